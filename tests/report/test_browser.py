"""The class's page in a browser: its table sorts, what is empty last, and a phone shows it without a broken word."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from grader.course import class_page
from grader.course.statistics import survey
from grader.model import Remarks, Report, Row, Student

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here to show the page"),
]


FRAME = """\
<!doctype html><iframe id="page" width="{width}" height="900" srcdoc="{page}"></iframe><pre id="told"></pre><script>
document.getElementById("page").onload = function () {{
  const page = this.contentDocument;
  {script}
  document.getElementById("told").textContent = JSON.stringify(told);
}};
</script>"""


def told(rows: Sequence[Row], script: str, folder: Path, width: int = 1280) -> Any:
    """What a script finds out from around the page, which has a frame of that width to itself."""
    page = class_page.render(survey(rows, "HW"))
    path = folder / "frame.html"
    path.write_text(FRAME.format(width=width, page=escape(page), script=script), encoding="utf-8")
    run = subprocess.run(
        [str(BROWSER), *QUIET, f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = re.search(r'<pre id="told">(.*?)</pre>', run.stdout)
    assert found, run.stdout[-2000:]
    return json.loads(unescape(found[1]))


CLICKS = """
const told = [];
const table = page.querySelector("table.sortable");
for (const at of [0, 2, 2, 2]) {
  table.tHead.rows[0].cells[at].querySelector("button").click();
  told.push([...table.tBodies[0].rows].map((row) => row.cells[at].textContent.trim()));
}
"""


def test_a_click_sorts_up_and_another_down_and_the_empty_stay_last(report, tmp_path):
    def row(student: str, percent: float) -> Row:
        return Row(Student(student, student), replace(report, remarks=Remarks((), 1, percent)))

    rows = [
        row("s10", 0),
        Row(Student("s2", "s2")),
        row("s9", 50),
        row("s1", 90),
        row("s3", 25),
        Row(Student("s4", "s4")),
    ]
    names, up, down, again = told(rows, CLICKS, tmp_path)
    assert names == ["s1", "s2", "s3", "s4", "s9", "s10"]
    assert up == again == ["1.93", "9.67", "14.5", "19.33", "", ""]
    assert down == ["19.33", "14.5", "9.67", "1.93", "", ""]


PHONE = r"""
const told = {broken: [], touched: []};
for (const heading of page.querySelectorAll("h1, h2")) {
  const text = [...heading.childNodes].find((node) => node.nodeType === Node.TEXT_NODE);
  for (const word of text.data.matchAll(/\S+/g)) {
    const range = page.createRange();
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    if (range.getClientRects().length > 1) told.broken.push(word[0]);
  }
}
const label = page.querySelector(".histogram text.label").getBoundingClientRect();
for (const count of page.querySelectorAll(".plot .histogram g text"))
  if (count.getBoundingClientRect().top < label.bottom) told.touched.push(count.textContent);
"""


def test_a_phone_breaks_no_heading_in_a_word_and_the_median_touches_no_number(report: Report, tmp_path):
    tasks = (replace(report.tasks[0], title="Computational graphs of differentiable programming"), *report.tasks[1:])
    rows = [Row(Student(f"s{at}", "S"), replace(report, tasks=tasks)) for at in range(382)]
    found = told(rows, PHONE, tmp_path, width=390)
    assert found == {"broken": [], "touched": []}
