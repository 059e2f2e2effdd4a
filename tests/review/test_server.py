"""What the review server gives, and to whom: every attack gets nothing, and what was decided is in the gradebook."""

from __future__ import annotations

import http.client
import re
import shutil
import ssl
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import reviewing

from grader import cli
from grader.command import review
from grader.course import pages, takes
from grader.course.gradebook import Gradebook
from grader.errors import UsageError
from grader.model import Late, Student, Verdict
from grader.review import again, view
from grader.review.desk import Desk
from grader.review.evidence import Cell, Code, Evidence, gather
from grader.review.guard import POLICY, Guard, Person, Refused
from grader.review.view import View

pytestmark = pytest.mark.medium

SECRET = "the work of somebody else, or a file of this machine"
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
4 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
trailer<</Root 1 0 R>>
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A class whose first student has a hostile name, a PDF with a script, and links out of the folder."""
    folder = tmp_path_factory.mktemp("class")
    out = reviewing.a_class(folder, 8, 5, hostile=reviewing.MARKUP)
    (folder / "secret.txt").write_text(SECRET)
    work = folder / "class" / "s000"
    (work / "report.pdf").write_bytes(PDF)
    (work / "link.pdf").symlink_to(folder / "secret.txt")
    (work / "part2.ipynb").write_bytes(reviewing.notebook())
    with Gradebook.open(out) as book:
        takes.see(book.database, "s000", ["layers.py", "part2.ipynb", "report.pdf", "link.pdf"])
        takes.see(book.database, "s001", ["layers.py", "../s000/report.pdf", "/etc/passwd", "%2e%2e/s000/report.pdf"])
        run = book.run()
        book.record(
            Student("s006", "Six", {}, str(folder / "class" / "s006"), problem="s006.zip is damaged"), None, run
        )
        book.record(book.student("s007", run), reviewing.report_of(7, asks=False, fault=True), run)
    return out


@pytest.fixture(scope="module")
def server(out):
    with reviewing.serving(out) as server:
        yield server


class Client:
    """A browser without script; `headers` are sent with everything."""

    def __init__(self, server, **headers):
        self.server, self.headers = server, {"Host": f"127.0.0.1:{server.port}", **headers}

    def ask(self, method, path, form=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        body = urlencode(form, doseq=True) if form is not None else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        sent = {**self.headers, **kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
        answer = connection.getresponse()
        answer.text = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, form, **headers):
        return self.ask("POST", path, {"csrf": self.csrf, **form}, **headers)

    def enter(self, author):
        token = self.server.link.partition("token=")[2]
        answer = self.ask("POST", "/enter", {"token": token, "author": author})
        assert answer.status == 303
        given = answer.headers["Set-Cookie"]
        assert "HttpOnly" in given
        assert "SameSite=strict" in given
        self.headers["Cookie"] = given.partition(";")[0]
        self.csrf = re.search(r'name="csrf" value="([^"]+)"', self.get("/").text)[1]
        return self


@pytest.fixture(scope="module")
def ada(server):
    return Client(server).enter("Ada")


def links(client, path="/"):
    return re.findall(r'href="(/(?:at|group)/[^"]+)"', client.get(path).text)


def questions(client):
    """The addresses of all entries on 6.1, by walking through the queue."""
    found, at = [], next(one for one in links(client) if "/at/6.1/" in one)
    while at not in found:
        found.append(at)
        at = re.search(r'href="([^"]+)" data-key="n"', client.get(at).text)[1]
    return found


def adjusted(out):
    with Gradebook.open(out) as book:
        return [(one.student, one.item, one.points, one.author) for one in book.adjustments()]


# Attacks


def test_nobody_gets_anything_without_the_link(server):
    stranger = Client(server)
    for path in (
        "/",
        "/next",
        "/groups",
        "/comments",
        "/requests",
        "/extensions",
        "/class",
        "/similar",
        "/similar/0",
        "/events",
        "/reports/s000",
    ):
        answer = stranger.get(path)
        assert answer.status in (403, 404)
        assert "s000" not in answer.text
        assert "Backprop" not in answer.text
    for token in ("", "x", "a" * 43, server.link[-42:], "é", "\0"):
        assert stranger.get(f"/enter?token={quote(token)}").status == 403
        assert stranger.ask("POST", "/enter", {"token": token, "author": "Eve"}).status == 403
    for cookie in ("", "x", "x.y", "W10.x", ".", "é"):
        assert stranger.get("/", Cookie=f"review-{server.port}={cookie.encode().decode('latin-1')}").status == 403


def test_a_cookie_of_another_server_or_with_another_author_is_none_of_ours(server, ada):
    body, _, mac = ada.headers["Cookie"].partition("=")[2].partition(".")
    for forged in (f"{body[:-4]}AAAA.{mac}", f"{body}.{mac[:-2]}AA", f"{body}."):
        assert Client(server).get("/", Cookie=f"review-{server.port}={forged}").status == 403
    assert Client(server).get("/", Cookie=f"review-1={body}.{mac}").status == 403


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:80", "Origin": "http://127.0.0.1.evil.example:80"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_pages_post_changes_nothing(out, ada, headers):
    link, before = questions(ada)[0], adjusted(out)
    for path in (f"{link}/decide", "/undo", "/requests/new", "/extensions/new", f"{links(ada, '/groups')[0]}/decide"):
        form = {"seen": 0, "points": 9, "act": "give", "why": "w", "student": "s001", "text": "t", "days": 1}
        assert ada.post(path, form, **headers).status == 403
    assert adjusted(out) == before


def test_a_post_without_the_forms_own_token_changes_nothing(out, ada, server):
    link, before = questions(ada)[0], adjusted(out)
    ben = Client(server).enter("Ben")
    for csrf in ("", "x", ben.csrf):
        assert ada.post(f"{link}/decide", {"seen": 0, "points": 9, "csrf": csrf}).status == 403
    assert ada.get(f"{link}/decide").status in (404, 405)
    assert ada.ask("POST", f"{link}/decide", {"csrf": ada.csrf, "why": "x" * (1 << 19)}).status == 403
    assert adjusted(out) == before


def test_a_name_that_is_markup_is_text(out):
    desk = Desk.at(out)
    view = View(desk, Guard(out, frozenset({"127.0.0.1"}), "http", 1), names=True)
    eve = Person("session", reviewing.MARKUP)
    desk.word(reviewing.MARKUP.replace("onerror", "onload"), -1, author=eve.author, item="6.1")
    entries = [view.entry(one, eve, Evidence(missing=(reviewing.MARKUP,))) for one in desk.queue.entries.values()]
    groups = [view.group(one, eve) for one in desk.queue.groups()]
    pages = [
        view.overview(eve), *entries, *groups, view.groups(eve), view.comments(eve), view.requests(eve),
        view.extensions(eve), view.refused(reviewing.MARKUP, 404, eve), view.enter("t", reviewing.MARKUP),
    ]  # fmt: skip
    texts = [page.body.decode() for page in pages] + [view.class_page(desk.book.register())]
    desk.book.database.close()
    assert sum("&lt;img src=x" in text for text in texts) > len(entries)
    for text in texts:
        assert "<img src=x" not in text
        assert "<script>document" not in text
    assert "unsafe-inline" not in re.search(r"script-src[^;]*", POLICY)[0]


def test_no_name_is_shown_unless_asked_for(ada):
    for path in ("/", "/groups", "/requests", *links(ada), *links(ada, "/groups")):
        text = ada.get(path).text
        assert "onerror" not in text
        assert not re.search(r"\bs00\d\b", text), path
    assert ada.get("/class").status == 404
    assert ada.get("/reports/s000").status == 404


HOSTILE_PATHS = [
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/reports/../gradebook.sqlite", "/reports/..%2fgradebook.sqlite",
    "/review.key", "/gradebook.sqlite", "//etc/passwd", "/review.css/../../guard.py", "/templates/review.js",
    "/at/6.1/../../../etc/passwd", "/at/6.1/%2e%2e%2f%2e%2e", "/at/../s000", "/at/6.1/s000", "/group/..",
    "/reports/%2fetc%2fpasswd", "/reports/s000%00.html",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_path_of_the_clients_reaches_no_file(ada, path):
    answer = ada.get(path)
    assert answer.status in (403, 404, 405)
    assert "root:" not in answer.text
    assert SECRET not in answer.text
    assert "SQLite" not in answer.text


def entry_with(client, sought):
    return next(link for link in questions(client) if sought in client.get(f"{link}/evidence").text)


def test_a_pdf_is_shown_as_pictures_and_a_link_in_its_place_is_not_followed(ada):
    link = entry_with(ada, "page 1 of report.pdf")
    for page in (0, 1):
        answer = ada.get(f"{link}/pdf/0/{page}")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Pages"] == "2"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ada.get(f"{link}/pdf/0/2").status == 404
    assert ada.get(f"{link}/pdf/9/0").status == 404
    assert ada.get(f"{link}/pdf/-1/0").status == 404
    linked = ada.get(f"{link}/pdf/1/0")
    assert linked.status == 404
    assert SECRET not in linked.text


def test_files_of_another_folder_are_not_shown_whatever_their_name(ada):
    link = entry_with(ada, "../")
    for number in range(4):
        assert ada.get(f"{link}/pdf/{number}/0").status == 404


# What people do


def test_decisions_land_in_the_gradebook_and_are_taken_back(out, ada):
    link = questions(ada)[0]
    student = deciding(out, lambda: ada.post(f"{link}/decide", {"seen": 0, "points": "7,5", "why": "Clear enough."}))
    with Gradebook.open(out) as book:
        given = book.in_force(student)["6.1"]
        assert (given.points, given.author, given.why) == (7.5, "Ada", "Clear enough.")
        seen = book.database.rows("SELECT max(id) FROM adjustments")[0][0]
    again = ada.post(f"{link}/decide", {"seen": 0, "points": "7.5", "why": "Clear enough."})  # its answer was lost
    assert again.status == 303
    assert len([one for one in adjusted(out) if one[0] == student]) == 1
    clash = ada.post(f"{link}/decide", {"seen": 0, "points": 2})
    assert clash.status == 409
    assert "Ada gave 7.5 points" in clash.text
    for wrong in ("11", "-1", "nan", "inf", "", "many", "meantime"):  # what was typed is no other's decision
        assert ada.post(f"{link}/decide", {"seen": seen, "points": wrong}).status == 422
    assert ada.post("/undo", {}).status == 303
    with Gradebook.open(out) as book:
        assert "6.1" not in book.in_force(student)
        assert [one.points for one in book.adjustments(student)] == [7.5, None]


def deciding(out, act):
    before = len(adjusted(out))
    assert act().status == 303
    return adjusted(out)[before][0]


def test_a_fault_has_no_proposal_and_a_problem_is_settled_by_a_sentence(out, ada):
    fault = next(one for one in links(ada) if "/at/2.2/" in one)
    assert "nothing, because a check has no result" in ada.get(fault).text
    assert ada.post(f"{fault}/decide", {"seen": 0, "act": "accept"}).status == 422
    assert ada.post(f"{fault}/decide", {"seen": 0, "points": 2, "act": "give"}).status == 303
    files = next(one for one in links(ada) if "/at/files/" in one)
    assert "is damaged" in ada.get(files).text
    assert ada.post(f"{files}/decide", {"told": "", "why": "Asked for another zip."}).status == 303
    late = ada.post(f"{files}/decide", {"told": "", "why": "Something else."})
    told = "Ada decided on this in the meantime (Asked for another zip.); nothing of yours was recorded"
    assert (late.status, told in late.text) == (409, True)
    with Gradebook.open(out) as book:
        assert [one.text for one in book.remarks("s006").comments] == ["Asked for another zip."]


def test_a_group_is_decided_at_once_but_for_its_exceptions(out, ada):
    group = next(one for one in links(ada, "/groups") if "grad_w" in ada.get(one).text)
    text = ada.get(group).text
    seen = dict(re.findall(r'name="(seen-[^"]+)" value="(\d+)"', text))
    assert len(seen) >= 4
    out_of_it = next(iter(seen)).removeprefix("seen-")
    form = {"points": 1, "why": "1/N is a small mistake.", "except": out_of_it, **seen}
    assert ada.post(f"{group}/decide", {**form, "why": ""}).status == 422
    assert ada.post(f"{group}/decide", form).status == 303
    with Gradebook.open(out) as book:
        given = [one for one in book.adjustments() if one.item == "2.1"]
        assert len(given) == len(seen) - 1
        assert {(one.points, one.why) for one in given} == {(1, "1/N is a small mistake.")}
    assert ada.post(f"{group}/decide", {**form, "points": 2}).status == 409  # they have been decided since
    assert ada.post("/undo", {}).status == 303
    with Gradebook.open(out) as book:
        assert not any("2.1" in book.in_force(one.id) for one in book.students())


def test_a_comment_and_a_request_show_in_the_students_report(out, ada):
    link = entry_with(ada, "page 1 of report.pdf")
    assert ada.post(f"{link}/say", {"place": "layers.py:3", "text": "Look at the axis."}).status == 303
    assert ada.post(f"{link}/say", {"place": "somewhere", "text": "x"}).status == 422
    assert ada.post("/requests/new", {"student": "9001", "item": "2.1", "text": "My gradient is right."}).status == 303
    assert ada.post("/requests/new", {"student": "nobody", "item": "2.1", "text": "x"}).status == 422
    request = next(one for one in links(ada) if "/at/request-1/" in one)
    assert "My gradient is right." in ada.get(request).text
    assert ada.post(f"{request}/decide", {"act": "grant", "points": "", "why": "yes", "seen": 0}).status == 422
    granted = {"act": "grant", "points": "2.5", "why": "You are right.", "seen": 0, "adjusted": number(out, "s001")}
    assert ada.post(f"{request}/decide", granted).status == 303
    with Gradebook.open(out) as book:
        assert [one.text for one in book.remarks("s000").comments] == ["Look at the axis."]
        assert [one.text for one in book.remarks("s001").comments] == ["Your request was granted: You are right."]
        assert book.in_force("s001")["2.1"].points == 2.5
    assert ada.post("/undo", {}).status == 303
    with Gradebook.open(out) as book:
        assert book.remarks("s001").comments == ()
        assert "2.1" not in book.in_force("s001")


def test_an_extension_takes_none_of_the_file_away(tmp_path):
    file, at = tmp_path / "e.csv", datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)
    file.write_text(f"student,due\ns000,{at.isoformat()}\n")
    desk = Desk.at(reviewing.a_class(tmp_path, 3, 2, extensions=str(file)))

    def extend(who, group=""):
        return desk.extend(who, group, at, 0, author="Ada", why="ill")

    assert extend("s001") == ("9001", True)
    file.rename(tmp_path / "moved.csv")
    with pytest.raises(UsageError, match=r"e\.csv cannot be read"):
        extend("s002")
    with pytest.raises(UsageError, match="give either a student or a group"):
        extend("s002", "Team A")
    (tmp_path / "moved.csv").rename(file)
    assert extend("s00x") == ("s00x", False)
    assert [one.due for one in desk.book.students()] == [at, at, None]


def test_due_dates_are_shown_in_the_zone_in_which_they_are_typed(tmp_path):
    desk, due = Desk.at(reviewing.a_class(tmp_path, 2, 1)), datetime(2026, 11, 20, 22, 59, tzinfo=UTC)
    desk.queue.run = replace(desk.queue.run, due=due, late=Late(10, timezone="Europe/Berlin"))
    desk.extend("", "Team A", due + timedelta(days=1), 0, author="Ada", why="ill")
    view = View(desk, Guard(tmp_path, frozenset({"127.0.0.1"}), "http", 1), names=True)
    page = view.extensions(Person("session", "Ada")).body.decode()
    assert re.findall(r"2026-11-2\d \d\d:\d\d \w+", page) == ["2026-11-20 23:59 CET", "2026-11-21 23:59 CET"]


def test_a_request_on_an_item_that_is_gone_gives_no_points(tmp_path):
    desk = Desk.at(reviewing.a_class(tmp_path, 2, 2))
    desk.request("s001", "6.1", "More, please.", author="Ada")
    with Gradebook.open(desk.folder) as book:
        run = book.begin(seed=7)
        for student in book.students(book.runs()[0]):
            report = reviewing.report_of(1)
            book.record(student, replace(report, tasks=report.tasks[:1]), run)
        book.end(run)
    desk.queue.refresh()
    entry = next(one for one in desk.queue.open() if one.kind == "request")
    assert (entry.title, entry.most) == ("no item of this run", 0)
    with pytest.raises(UsageError, match=r"there is no item 6\.1 any more, so it gives no points"):
        desk.answer(entry, True, "yes", author="Ada", seen=0, adjusted=0, points=2)
    desk.answer(entry, False, "It was dropped.", author="Ada", seen=0, adjusted=0, points=None)
    assert [one.text for one in desk.book.remarks("s001").comments] == ["Your request was not granted: It was dropped."]


def test_half_a_day_is_not_cut_to_none(ada):
    answer = ada.post("/extensions/new", {"student": "9001", "days": "1.5", "why": "ill"})
    assert (answer.status, "1.5 is not a number of days" in answer.text) == (422, True)


def number(out, student):
    with Gradebook.open(out) as book:
        rows = book.database.rows("SELECT max(id) FROM adjustments WHERE student = ? AND item = '2.1'", student)
    return rows[0][0] or 0


def test_a_comments_key_does_nothing_else():
    pages = "".join(path.read_text(encoding="utf-8") for path in view.HERE.iterdir())
    taken = re.findall(r'data-key="(\w)"|event\.key === "(\w)"', pages)
    assert len(taken) > 5
    assert not {letter for pair in taken for letter in pair if letter} & set(view.KEYS)


def test_the_evidence_is_the_students_own(ada):
    """Cells and their pictures are shown as they were saved, and markup in them is text."""
    page = ada.get(f"{entry_with(ada, 'page 1 of report.pdf')}?whole=1").text
    assert "photo-0.jpg" in page
    assert "goldfish" in page


def test_a_group_is_graded_again_alone(tmp_path):
    """The button starts a batch of its own, one at a time, which grades the group's students anew."""
    out = reviewing.a_class(tmp_path, 3, 1, only=["1"])
    with reviewing.serving(out) as server:
        ada = Client(server).enter("Ada")
        group = next(one for one in links(ada, "/groups") if "grad_w" in ada.get(one).text)
        assert "Grade this group again" in ada.get(group).text
        assert ada.post(f"{group}/again", {}).status == 303
        assert "Being graded again" in ada.get(group).text
        assert ada.post(f"{group}/again", {}).status == 409  # one at a time
        end = time.monotonic() + 60
        with Gradebook.open(out) as book:
            while not (ended := [run for run in book.runs() if run.id == 2 and run.ended]) and time.monotonic() < end:
                time.sleep(0.2)
            assert ended
            for student in ("s001", "s002"):
                old, new = book.report(student, book.runs()[0]), book.report(student, ended[0])
                assert new is not None
                assert new.digest != old.digest


# What submissions share


def test_pairs_are_shown_side_by_side_without_names(out, ada):
    told = ada.get("/similar").text
    assert "Nothing was compared yet; type:" in told
    assert f"grade.py similar {out}" in told
    reviewing.compared(out)
    before = adjusted(out)
    listed = ada.get("/similar").text
    found = re.findall(r'href="(/similar/[^"]+)"', listed)
    assert len(found) >= 3
    assert "lines that no one else in the class has" in listed
    assert "of 27 have what they share" in listed
    assert "of an earlier year" in listed
    for page in (listed, *(ada.get(link).text for link in found)):
        assert not re.search(r"Person \d|s00\d|Earlier Someone|2025/old", page)
        assert "<script>document" not in page
        assert "<img src=x" not in page
    assert "<mark>" in ada.get(found[0]).text
    assert ada.get("/similar/other").status == 404
    assert adjusted(out) == before
    for text in ('{"form": 0}', "[" * 100_000):
        (out / pages.PAIRS).write_text(text)
        assert "similar.json cannot be read; type:" in ada.get("/similar").text


# Starting it


def test_other_machines_are_served_with_a_certificate_alone(out, tmp_path, capsys):
    (tmp_path / "bad.pem").write_text("no certificate")
    bad = str(tmp_path / "bad.pem")
    for words, says in (
        ([str(out), "--host", "0.0.0.0"], "needs a certificate"),
        ([str(out), "--cert", bad], "give both"),
        ([str(out), "--host", "0.0.0.0", "--cert", bad, "--key", bad], "cannot be used"),
        ([str(tmp_path)], "contains no gradebook.sqlite"),
        ([str(out), "--requests", bad + "x"], "is not there"),
        ([str(out), "--port", "99999"], "give another one with --port"),
    ):
        assert cli.main(["review", *words]) == 2
        assert says in capsys.readouterr().err


def test_a_missing_package_is_a_sentence_that_says_what_to_type(out, monkeypatch, capsys):
    monkeypatch.setattr(review, "find_spec", lambda name: None)
    assert cli.main(["review", str(out)]) == 2
    assert re.search(r"starlette is not installed; type: .* -m pip install -e .*\[review\]", capsys.readouterr().err)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make a certificate with")
def test_with_a_certificate_it_speaks_https(out, tmp_path):
    made = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-nodes", "-subj", "/CN=127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", *made], cwd=tmp_path, check=True, capture_output=True
    )
    server = reviewing.Server(out, "--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem"), wait=False)
    try:
        trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        trust.check_hostname = False
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trust, timeout=60)
        connection.request("GET", server.link.partition(str(server.port))[2])
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        code, said = server.stop()  # Ctrl-C
    assert code in (0, 130)
    assert "Traceback" not in said


def test_a_cookie_is_good_for_a_week_and_its_key_is_the_owners_alone(tmp_path, monkeypatch):
    guard = Guard(tmp_path, frozenset({"127.0.0.1"}), "http", 1)
    cookie, day, now = guard.seal("Ada"), 24 * 3600, time.time()
    monkeypatch.setattr(time, "time", lambda: now + 6 * day)
    assert guard.person(cookie).author == "Ada"
    for later in (8 * day, -day):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        with pytest.raises(Refused, match="logged in too long ago"):
            guard.person(cookie)
    assert (tmp_path / "review.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("names", [False, True])
def test_code_and_cells_that_name_the_student_are_shown_without_the_name_unless_asked_for(tmp_path, names):
    desk = Desk.at(reviewing.a_class(tmp_path, 2, 2))
    view = View(desk, Guard(tmp_path, frozenset({"127.0.0.1"}), "http", 1), names=names)
    entry = next(iter(desk.queue.open()))
    number = desk.queue.students[entry.student].ids["Student ID"]
    lines = (f"# written by {desk.queue.students[entry.student].name}, {number}", f"# {entry.student}", "person = 1")
    cell = Cell(1, f"print('Person {number}')", f"Person {number}", ())
    shown = view.evidence(entry, Evidence(code=(Code("layers.py", 1, lines, 0),), cells=(("part2.ipynb", (cell,)),)))
    text = bytes(shown.body).decode()
    assert "person = 1" in text  # a word of the code, not the name
    for told in ("Person", number, entry.student):
        assert (told in text) is names


@pytest.fixture
def asked(tmp_path):
    """A class whose first student handed in two files that may be layers.py; 2.1 and 6.1 wait for the answer."""
    out = reviewing.a_class(tmp_path, 2, 0, only=["1"])
    work = tmp_path / "class" / "s000"
    (work / "v2").mkdir()
    (work / "v2" / "layers.py").write_text("# the later one\n")
    with Gradebook.open(out) as book:
        takes.see(book.database, "s000", ["layers.py", "v2/layers.py"])
        book.record(book.student("s000"), waiting_for("layers.py"))
    return out


def waiting_for(name):
    """A report in which items wait for the file that counts as `name`."""
    told = f"2 different files may be {name}: {name}, v2/{name}; leave the one that counts"
    waits = {"verdict": Verdict.SKIPPED, "message": told, "earned": 0.0, "review": (told,)}
    whole = reviewing.report_of(0, asks=False)

    def asking(item):
        return replace(item, score=0, checks=tuple(replace(check, **waits) for check in item.checks))

    tasks = [replace(task, items=tuple(asking(one) if one.id in ("2.1", "6.1") else one for one in task.items))
             for task in whole.tasks]  # fmt: skip
    return replace(whole, tasks=tuple(tasks))


def open_files(client):
    return re.search(r'<td class="num">(\d+)</td>', client.get("/").text.partition("not taken")[2])[1]


def test_points_that_wait_for_a_file_are_not_settled_by_a_look_at_it(asked):
    with reviewing.serving(asked) as server:
        ada = Client(server).enter("Ada")
        files = next(one for one in links(ada) if "/at/files/" in one)
        page = ada.get(files).text
        assert "nothing; 2.1, 6.1 wait for the file that counts" in page
        assert "nothing else counts" not in page
        assert re.findall(r"<option selected>([^<]+)", page) == ["layers.py"]
        for form in ({"act": "accept"}, {"act": "give", "why": "I looked."}):
            answer = ada.post(f"{files}/decide", {"told": "", **form})
            assert (answer.status, "choose the file that counts, or say that none does" in answer.text) == (422, True)
        assert open_files(ada) == "1"
        assert ada.post(f"{files}/decide", {"told": "", "act": "none", "why": "Two stubs."}).status == 303
        with Gradebook.open(asked) as book:
            given = [(one.item, one.points, one.why) for one in book.adjustments("s000")]
            assert given == [("2.1", 0.0, "Two stubs."), ("6.1", 0.0, "Two stubs.")]
            assert list(book.waiting()) == []
        assert open_files(ada) == "0"
        assert ada.post("/undo", {}).status == 303
        assert open_files(ada) == "1"


def test_a_question_on_another_file_after_the_student_was_graded_again_is_open(asked):
    with reviewing.serving(asked) as server:
        ada = Client(server).enter("Ada")
        files = next(one for one in links(ada) if "/at/files/" in one)
        form = {"told": "", "act": "give", "file": "v2/layers.py", "name": "layers.py"}
        assert ada.post(f"{files}/decide", form).status == 303
        assert open_files(ada) == "0"
        with Gradebook.open(asked) as book:
            book.record(book.student("s000"), waiting_for("functions.py"))
        assert open_files(ada) == "1"
        assert "v2/functions.py; leave the one that counts" in ada.get(files).text


def test_the_files_that_a_question_names_are_shown(asked):
    with Gradebook.open(asked) as book:
        run = book.run().id
    shown = {code.file: code.lines for code in gather(asked, run, "s000", "", ("2.1", "6.1")).code}
    assert shown.keys() == {"layers.py", "v2/layers.py"}
    assert "# the later one" in shown["v2/layers.py"]


def test_a_folder_that_is_named_from_here_is_graded_again_where_it_is(asked, monkeypatch):
    """The batch is started in another folder than the server was."""
    monkeypatch.chdir(asked.parent)
    with Gradebook.open(asked) as book:
        words = again.command(Path(asked.name), book.run(), ["s000"])
    assert words[words.index("--out") + 1] == str(asked.resolve())


def test_a_students_page_says_that_it_is_graded_again(asked):
    with reviewing.serving(asked) as server:
        ada = Client(server).enter("Ada")
        files = next(one for one in links(ada) if "/at/files/" in one)
        assert "raded again: " not in ada.get(files).text
        assert ada.post(f"{files}/again", {}).status == 303
        assert "Being graded again: student " in ada.get(files).text
        end = time.monotonic() + 60
        with Gradebook.open(asked) as book:
            while not any(run.id == 2 and run.ended for run in book.runs()) and time.monotonic() < end:
                time.sleep(0.2)
            assert [run.id for run in book.runs() if run.ended] == [1, 2]
