"""The class's page: it reads without script, runs no script but its own, and a name is a name."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest

from grader.course import class_page
from grader.course.statistics import earned, survey
from grader.model import Remarks, Row, Student

NAMES = [
    "</td></table><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    '" onmouseover="alert(3)',
    "{{ 7*7 }}{% raw %}",
    "\u202egnp.exe\u202c \x1b[31m\x00\udce9",
    "javascript:alert(4)",
    "-->]]></style>",
    "Döe, Jane",
]


class Page(HTMLParser):
    """The elements that a browser would see: (tag, attributes), and the text of each cell of the students' table."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.cells, self.inside = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "table" and "sortable" in dict(attributes).get("class", ""):
            self.inside.append("students")
        if self.inside and tag == "tr":
            self.cells.append([])
        if self.inside and tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag):
        if tag == "table" and self.inside:
            self.inside.pop()

    def handle_data(self, text):
        if self.inside and self.cells and self.cells[-1]:
            self.cells[-1][-1] += text


@pytest.fixture
def rows(report):
    """A class whose names and ids are hostile; one without a submission, one that is unreadable, one late."""
    whole = replace(report, needs_review=(f"relu_backward: {NAMES[0]}",))
    found = [Row(Student(f"s{at}", name), whole) for at, name in enumerate(NAMES)]
    found[2] = replace(found[2], report=replace(whole, remarks=Remarks((), 2, 20)))
    found[3] = replace(found[3], report=replace(whole, remarks=Remarks((), None)))
    return [*found, Row(Student("nil", "Nil")), Row(Student("../x y", "Bad", problem=f"{NAMES[1]} is damaged"))]


def page(rows, **options):
    return class_page.render(survey(rows, "Backprop <b>by hand</b>"), **options)


def links(elements):
    """Where the page leads to, apart from its own parts."""
    return [given["href"] for tag, given in elements if tag == "a" and not given["href"].startswith("#")]


def test_no_element_and_no_script_but_our_own(rows):
    text = page(rows, pages={row.student.id for row in rows})
    elements = Page(text).elements
    assert [tag for tag, _ in elements].count("script") == 1
    assert not {"img", "iframe", "link", "object", "b"} & {tag for tag, _ in elements}
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    assert all(char not in text for char in "\x1b\x00\u202e")
    assert "{{ 7*7 }}" in text
    hrefs = links(elements)
    assert hrefs
    assert all(re.fullmatch(r"reports/[\w.%-]+\.html", href) for href in hrefs)


def test_the_policy_names_the_one_script_by_its_digest(rows):
    text = page(rows)
    policy = re.search(r'content="(default-src[^"]*)"', text)[1]
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_the_table_reads_without_script(rows):
    header, *lines = [[cell.strip() for cell in line] for line in Page(page(rows, pages={"s0"})).cells]
    assert header == ["name", "id", "points", "1", "2", "3", "4", "days late", "seconds", "MiB", "state"]
    assert len(lines) == len(rows)
    by_id = {line[1]: line for line in lines}
    assert by_id["s0"][0] == NAMES[0]
    assert by_id["s0"][2:8] == ["19.33", "8.33", "2", "4", "5", "0"]
    assert (by_id["s2"][2], by_id["s2"][7]) == ("15.47", "2")
    assert by_id["s3"][7] == "?"
    assert by_id["nil"][2:] == ["", "", "", "", "", "", "", "", "not handed in"]
    assert by_id["../x y"][-1] == "not graded"
    assert by_id["s7"][-1] == "needs review"


def test_only_pages_that_are_there_are_linked(rows):
    assert set(links(Page(page(rows, pages={"s1"})).elements)) == {"reports/s1.html"}
    assert not links(Page(page(rows)).elements)


def test_what_the_page_links_within_itself_is_there(rows):
    for text in (page(rows), page([])):
        elements = Page(text).elements
        ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        inner = [attributes["href"][1:] for tag, attributes in elements if tag == "a" and attributes["href"][0] == "#"]
        assert "students" in inner
        assert set(inner) <= set(ids)


@pytest.mark.parametrize("size", [class_page.LARGE, class_page.SMALL])
def test_every_student_with_a_report_is_in_the_histogram(rows, size):
    drawn = class_page.drawing(survey(rows, "HW").earned, size)
    assert sum(bar.count for bar in drawn.bars) == len(NAMES)
    assert all(0 <= bar.x < bar.x + bar.width <= size.width for bar in drawn.bars)
    assert all(bar.y >= size.above and bar.height > 0 for bar in drawn.bars)
    full = earned([98.0, 100.0, 100.0], 100.0)
    (bar,) = class_page.bars(full, size)
    assert bar.title == "95 to 100 points: 3 students"
    assert class_page.drawing(full, size).median == size.width
    assert class_page.drawing(earned([], 0.0), size) is None


def test_each_task_has_a_histogram_of_its_own(rows):
    task = page(rows).partition('<section aria-labelledby="task-1">')[2].partition("</section>")[0]
    assert task.count("<svg") == task.count('class="histogram"') + task.count('class="share"')
    assert 'aria-label="Points in Task 1: 8 to 8.5 points: 8 students; median 8.33"' in task
    assert "8.33 of 10 in the middle; half of them 8.33 to 8.33; mean 8.33; from 8.33 to 8.33" in task
    skipped = page(rows).partition('<section aria-labelledby="task-5">')[2].partition("</section>")[0]
    assert "<svg" not in skipped


def test_the_page_says_which_run_it_shows_and_what_its_points_rest_on(rows):
    text = page(rows, run="run 3, begun 2026-11-20 23:59 UTC", notes=["ada: graded on <stand-in> data"])
    header = text.partition("<header>")[2].partition("</header>")[0]
    assert "run 3, begun 2026-11-20 23:59 UTC" in header
    assert "<li>ada: graded on &lt;stand-in&gt; data</li>" in header
    assert "notes" not in page(rows).partition("<header>")[2].partition("</header>")[0]


def test_failures_tell_the_sentence_and_how_many_share_it(rows):
    text = page(rows)
    assert "<q>grad_w should have shape (5, 3), but it has shape (3, 5): transposed.</q>" in text
    assert "all of them" in text
    assert "What relu_backward should do is said here." not in text.partition('id="failures"')[2].partition("</ol>")[0]


def test_what_a_person_has_to_look_at_is_listed(rows):
    section = page(rows).partition('id="review"')[2].partition("</section>")[0]
    assert f"<summary>{len(NAMES) + 1} students" in section  # all that have a question, and the unreadable one
    assert "is damaged" in section


def test_a_question_is_asked_once_with_all_who_wait_for_it(rows):
    text = page(rows, group=lambda check, sentence: f"http://127.0.0.1:1/{check}")
    section = text.partition('id="review"')[2].partition("</section>")[0]
    assert f"{len(NAMES)} students, 5 points" not in section  # the points of the check, for all of them
    assert section.count("<li>") == 2
    assert f'<a href="http://127.0.0.1:1/relu_backward">2.2 {escape(NAMES[0])}</a>' in section
    assert f"{len(NAMES)} students" in section
    assert all(escape(name) in section for name in (NAMES[0], NAMES[7]))


def test_a_cause_is_told_with_its_students_and_leads_to_its_group(rows):
    other = replace(rows[0].report, tasks=tuple(map(renamed, rows[0].report.tasks)))
    text = page(
        [*rows[:3], Row(Student("odd", "Odd One"), other)], group=lambda check, sentence: f"/{check}/{len(sentence)}"
    )
    section = text.partition('id="failures"')[2].partition("</ol>")[0]
    first, second = section.partition("transposed.</a>")[2].partition("flipped.</a>")[::2]
    assert "3 of them" in first
    assert escape(NAMES[0]) in first
    assert "Odd One" not in first.partition('class="cause"')[0]
    assert "1 of them" in second
    assert "Odd One" in second.partition("</div>")[0]


def renamed(task):
    items = tuple(
        replace(
            item,
            checks=tuple(replace(one, message=one.message.replace("transposed.", "flipped.")) for one in item.checks),
        )
        for item in task.items
    )
    return replace(task, items=items)


def test_a_class_of_nobody_has_a_page():
    text = page([])
    assert "0 students" in text
    assert "<svg" not in text
    assert page([Row(Student("nil", "Nil"))]).count("not handed in") == 2


def test_the_same_class_is_the_same_page(rows):
    assert page(rows) == page(rows)
