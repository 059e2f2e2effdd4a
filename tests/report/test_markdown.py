"""The summary of a CI's step, rendered by GitHub's own parser: the table, and students' texts that are nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from reports import HOSTILE
from summary import TAGS, Page

from grader.report import markdown


def with_texts(report, message, output="", name="doe"):
    item = report.tasks[1].items[0]
    spoiled = replace(item, checks=(replace(item.checks[1], message=message, output=output, where="layers.py:3"),))
    return replace(
        report, submission=name, notes=(message,), tasks=(replace(report.tasks[1], items=(spoiled,)),), needs_review=()
    )


def test_the_table_and_the_sentences_are_there(report):
    page = Page(markdown.render(report))
    assert set(page.tags) <= TAGS
    cells = [text.strip() for text in page.held_in("td")]
    assert cells[:3] == ["1", "Computational graphs", "8.33 / 10"]
    at = cells.index("2.1")
    assert cells[at + 1 : at + 4] == ["Fully-connected layer", "2 / 5", "◐ partial"]
    assert "grad_w should have shape (5, 3), but it has shape (3, 5): transposed." in page.held_in("code")
    assert "layers.py:31" in page.held_in("code")
    assert any("shape is (3, 5)" in text for text in page.held_in("pre"))
    assert any("isolation" in text.lower() for text, _ in page.texts)


def test_a_homeworks_own_marks_are_shown_as_they_are(perfect):
    title = "softmax_loss of *x* | <b>1</b> [link](x) #1 `code` & more"
    page = Page(markdown.render(replace(perfect, title=title)))
    assert "".join(page.held_in("h3")) == title
    item = replace(perfect.tasks[0].items[0], title=title)
    page = Page(markdown.render(replace(perfect, tasks=(replace(perfect.tasks[0], items=(item,)),))))
    assert title in "".join(page.held_in("td"))


FORMS = {
    "heading": "# heading",
    "underlined heading": "heading\n===",
    "link": "[click](https://example.org)",
    "reference": "[click]\n\n[click]: https://example.org",
    "image": "![x](https://example.org/x.png)",
    "autolink": "<https://example.org>",
    "bare link": "https://example.org www.example.org ftp://example.org mailto:a@example.org",
    "address": "write to ada@example.org",
    "mention": "@octocat and @org/team, #12, GH-12, org/repo#12, :smile:",
    "html": "<img src=x onerror=alert(1)><script>alert(1)</script><!-- x --><h1>x</h1>",
    "end of pre": "</pre></details></code><h1>x</h1>",
    "reference to a character": "&lt;h1&gt; &#60;h1&#62; &commat;octocat a&#64;example.org",
    "fence": "```\n# heading\n```",
    "tildes": "~~~\n# heading\n~~~",
    "quote": "> # heading",
    "table": "| a | b |\n| --- | --- |\n| ![x](y) | @octocat |",
    "list": "- [ ] # heading\n1. <b>x</b>",
    "rule": "***",
    "code that ends": "` # x ` [click](x) `` [click](x) ``",
    "backslash": "\\` [click](https://example.org) \\",
    "backticks of each length": " ".join("`" * length for length in range(1, 60)) + " [click](x)",
    "more backticks than a fence holds": f"{'`' * 300}\n[click](x)\n{'`' * 300}",
    "a hundred backticks": f"{'`' * 100} [click](https://example.org)",
    "math": "$`x`$ $$\\frac{1}{2}$$",
    "bidi": "\u202e)gro.elpmaxe//:sptth(]kcilc[\u202c",
    "surrogate": "\udce9 # x",
    "terminal": "\x1b]8;;https://example.org\x07click\x1b]8;;\x07",
    "indented": "    # heading\n\tcode",
    "all of it": HOSTILE,
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_what_a_student_wrote_is_text(report, text):
    honest = Page(markdown.render(with_texts(report, "off by 2.", "1.5", "doe")))
    page = Page(markdown.render(with_texts(report, text, f"{text}\n\n{text}", text)))
    assert page.whole
    assert page.tags == honest.tags, "a student's text made or unmade a tag"
    words = set(re.findall(r"[A-Za-z0-9]{3,}", text))
    for shown, within in page.texts:
        if "code" not in within and "pre" not in within:
            assert not words & set(re.findall(r"[A-Za-z0-9]{3,}", shown)) - {"code", "link"}, shown
    assert not [char for shown, _ in page.texts for char in shown if char in "\u202e\u202c\x1b\x07"]


def test_what_a_student_wrote_is_shown_as_it_is(report):
    text = FORMS["code that ends"]
    assert text in Page(markdown.render(with_texts(report, text))).held_in("code")
    assert any(f"{text}\n" in one for one in Page(markdown.render(with_texts(report, "x", text))).held_in("pre"))


def test_a_summary_fits_and_says_what_it_leaves_out(report):
    item = report.tasks[1].items[0]
    checks = tuple(
        replace(item.checks[1], name=f"check_{at}", message=f"{at} " + "`&<" * 600, output=f"{'&' * 400}\n" * 12)
        for at in range(200)
    )
    large = replace(report, tasks=(replace(report.tasks[1], items=(replace(item, checks=checks),)),))
    text = markdown.render(large)
    assert len(text.encode()) < 1 << 20
    assert re.search(r"… and \d+ more, which the log names", text)
    assert "Isolation" in text[-300:]
    assert set(Page(text).tags) <= TAGS
