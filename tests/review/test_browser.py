"""A real browser reviews a class by keyboard alone, beside a second one, while the server is killed twice."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
import reviewing

from grader.course.gradebook import Gradebook

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.slow,
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::ResourceWarning"),
]
playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def person(browser, server, author, **options):
    """A page in a browser context of its own, logged in by keyboard."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, **options).new_page()
    page.set_default_timeout(20_000)
    page.goto(server.link)
    page.wait_for_function("document.activeElement.matches('input')")  # it has the focus a moment after the page loads
    page.keyboard.type(author)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.origin}/")
    return page


def left(page):
    return int(page.locator("#progress").get_attribute("data-left"))


def at(page):
    return page.locator("#entry").get_attribute("data-link")


def press(page, *keys):
    """Keys on an entry, until another entry is there. False if the server was killed meanwhile, or someone else
    decided on the entry."""
    another = f'#entry:not([data-link="{at(page)}"]), h1:has-text("What waits")'
    ends = another if page.locator("#conflict").count() else f"{another}, #conflict"
    for key in keys:
        page.keyboard.press(key)
    try:
        page.wait_for_selector(ends, timeout=5_000)
    except playwright.TimeoutError:
        return False
    return page.locator(another).count() > 0


def again(server, out):
    """The server as it is started again at the same address, after it was killed."""
    server.kill()
    return reviewing.Server(out, "--port", str(server.port))


def test_two_browsers_review_a_class_by_keyboard_while_the_server_is_killed_twice(browser, tmp_path):
    out = reviewing.a_class(tmp_path, 30, 24)
    server = reviewing.Server(out)
    try:
        ada, ben = (person(browser, server, name) for name in ("Ada", "Ben"))
        for page in (ada, ben):
            page.keyboard.press("n")
            page.wait_for_selector("#entry")
        assert at(ada) != at(ben)  # who comes second is led elsewhere
        for turn in range(100):
            if turn in (8, 20):
                server = again(server, out)
            page = (ada, ben)[turn % 2]
            if page.locator("#entry").count() == 0:
                break
            if turn == 5:
                press(page, "u")  # the last decision again, then it is decided anew
            keys = ("a",) if turn % 3 else ("7", "Enter")
            for _ in range(5):
                with contextlib.suppress(playwright.Error):
                    if press(page, *keys):
                        break
                    if page.locator("#conflict").count():  # the other one decided on it first, and the person goes on
                        assert press(page, "n")
                        break
        with Gradebook.open(out) as book:
            assert list(book.waiting()) == []
            given = [book.adjustments(f"s{number:03}") for number in range(24)]
            assert all(len(book.in_force(f"s{number:03}")) == 1 for number in range(24))
            assert sorted(map(len, given)) == [1] * 23 + [3]  # one was undone, and decided anew
            authors = {one.author for one in book.adjustments()}
            assert authors == {"Ada", "Ben"}
            assert all(book.adjustments(f"s{number:03}") == [] for number in range(24, 30))
    finally:
        server.kill()


def test_a_decision_on_what_another_decided_meanwhile_is_shown_and_not_recorded(browser, tmp_path):
    out = reviewing.a_class(tmp_path, 4, 2)
    with reviewing.serving(out) as server:
        ada, ben = (person(browser, server, name) for name in ("Ada", "Ben"))
        ada.goto(f"{server.origin}/next")
        ben.goto(server.origin + at(ada))
        ben.wait_for_selector("text=Ada looks at this, too")
        assert press(ada, "3", "Enter")
        ben.wait_for_selector("#standing:has-text('3 of 10 points by Ada')")
        ben.evaluate("document.querySelector('#form').elements.seen.value = '0'")  # as if it had not come yet
        ben.keyboard.press("8")
        ben.keyboard.press("Enter")
        ben.wait_for_selector("#conflict")
        assert "Ada gave 3 points for 6.1 in the meantime" in ben.locator("#conflict").text_content()
        assert ben.locator("#points").input_value() == "8"
        with Gradebook.open(out) as book:
            assert [one.points for one in book.adjustments()] == [3]
        ben.keyboard.press("Escape")
        ben.locator("#main").focus()
        assert press(ben, "8", "Enter")  # now it was seen, and is replaced on purpose
        with Gradebook.open(out) as book:
            assert [one.points for one in book.adjustments()] == [3, 8]


def test_a_comment_is_given_by_one_key_and_its_points_change_for_all(browser, tmp_path):
    out = reviewing.a_class(tmp_path, 4, 3)
    with reviewing.serving(out) as server:
        page = person(browser, server, "Ada")
        page.goto(f"{server.origin}/next")
        page.keyboard.press("m")
        page.keyboard.type("One of the photographs is not yours.")
        page.keyboard.press("Tab")
        page.keyboard.type("-2")
        page.keyboard.press("Enter")
        page.wait_for_selector("input[name=comment]:checked")
        assert press(page, "Enter")
        page.keyboard.press("q")
        page.wait_for_selector("input[name=comment]:checked")
        assert press(page, "9", "Enter")
        page.goto(f"{server.origin}/comments")
        page.fill("input[name=points]", "-1")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=the points of 2 students, in one step")
        with Gradebook.open(out) as book:
            assert sorted(one.points for s in book.students() for one in book.in_force(s.id).values()) == [4, 8]


def test_what_is_typed_stays_until_it_is_sent(browser, tmp_path):
    out = reviewing.a_class(tmp_path, 4, 3)
    with reviewing.serving(out) as server:
        page = person(browser, server, "Ada")
        page.goto(f"{server.origin}/next")
        first = at(page)
        page.fill("#why", "Both show the same dog.")
        page.reload()
        page.wait_for_function("document.querySelector('#why').value == 'Both show the same dog.'")
        page.keyboard.press("m")
        page.keyboard.type("The same dog.")
        page.keyboard.press("Enter")  # a comment that is made beside it shows the entry anew
        page.wait_for_selector("input[name=comment]:checked")
        assert page.locator("#why").input_value() == "Both show the same dog."
        assert page.locator("#new-text").input_value() == ""
        page.locator("#main").focus()
        assert press(page, "n")
        assert page.locator("#why").input_value() == ""
        page.goto(server.origin + first)
        page.wait_for_function("document.querySelector('#why').value == 'Both show the same dog.'")
        page.locator("#main").focus()
        assert press(page, "4", "Enter")
        page.goto(server.origin + first)
        page.wait_for_selector("#standing:has-text('4 of 10 points by Ada')")
        assert page.locator("#why").input_value() == ""
        page.goto(f"{server.origin}/requests")
        page.fill("#text", "Mine is right.")
        page.reload()
        page.wait_for_function("document.querySelector('#text').value == 'Mine is right.'")
        page.click("text=leave")
        page.wait_for_function("!document.querySelector('nav')")
        assert page.evaluate("sessionStorage.length") == 0
        with Gradebook.open(out) as book:
            assert [one.why for one in book.adjustments()] == ["Both show the same dog."]


PAGES = ("/", "/next", "/groups", "/comments", "/requests", "/extensions", "/similar", "/class")


def test_no_page_breaks_wcag(browser, tmp_path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    out = reviewing.a_class(tmp_path, 6, 4)
    reviewing.compared(out)
    found = {}
    with reviewing.serving(out, "--names") as server:
        for scheme in ("light", "dark"):
            page = person(browser, server, "Ada", color_scheme=scheme, bypass_csp=True)
            for path in PAGES:
                page.goto(server.origin + path)
                page.wait_for_load_state()
                found |= {f"{scheme} {path}": violations(axe, page)}
            page.goto(f"{server.origin}/groups")
            page.locator("main li a").first.click()
            page.wait_for_selector("h1")
            found |= {f"{scheme} group": violations(axe, page)}
            page.goto(f"{server.origin}/similar")
            page.locator("main .failures a").first.click()
            page.wait_for_selector("ol.lines")
            found |= {f"{scheme} pair": violations(axe, page)}
            page.goto(f"{server.origin}/next")
            page.keyboard.press("?")
            found |= {f"{scheme} help": violations(axe, page)}
        page = browser.new_page(bypass_csp=True)
        page.goto(server.link)
        found |= {"enter": violations(axe, page)}
        with Gradebook.open(out) as book:
            from grader.course import pages

            run = book.run()
            pages.write_index(book, run, book.register(run))
    page.goto(Path(out / "index.html").as_uri())
    found |= {"index.html": violations(axe, page)}
    assert {name: told for name, told in found.items() if told} == {}


def violations(axe, page):
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    result = axe.run(page, options={"runOnly": {"type": "tag", "values": tags}}).response
    return [f"{one['id']}: {node['html'][:160]}" for one in result["violations"] for node in one["nodes"]]
