"""rubric.yaml: the real one, each mistake at its line, and nothing but RubricError out of any bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader import rubric
from grader.errors import RubricError
from grader.model import DataPlan, Download, HandoutPlan, Late, Limits

REAL = Path(__file__).parents[1] / "grader" / "homework" / "rubric.yaml"
SMALL = """\
title: Tiny
limits: {call_cpu: 2, memory: 64}
sections:
  numpy:
    modules: {layers: neuralnet/layers.py}
    submit: [layers.py]
    keep: {forward: [1]}
    forbid: [torch]
tasks:
  - id: "1"
    title: First
    section: numpy
    items:
      - id: "1.1"
        title: One
        points: 6
        tolerance: 1.0e-9
        checks: {a: 2, b: 1}
      - id: "1.2"
        title: Two
        points: 4
        skip: not yet
"""


def load(tmp_path: Path, text: str | bytes) -> rubric.Rubric:
    path = tmp_path / "rubric.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rubric.load(path)


def test_the_real_rubric_is_the_contracts_table():
    plan = rubric.load(REAL)
    points = {item.id: item.points for task in plan.tasks for item in task.items}
    assert points == {
        "1.1": 10, "1.2": 0, "2.1": 5, "2.2": 5, "2.3": 5, "2.4": 5, "3.1": 10, "4.1": 10, "4.2": 5, "4.3": 5,
        "5.1": 15, "5.2": 10, "5.3": 5, "6.1": 10,
    }  # fmt: skip
    for task in plan.tasks:
        for item in task.items:
            if item.checks:
                assert sum(check.points for check in item.checks) == pytest.approx(item.points)


def test_everything_in_a_rubric_arrives(tmp_path):
    plan = load(tmp_path, SMALL)
    (section,), (task,) = plan.sections, plan.tasks
    assert plan.title == "Tiny"
    assert plan.limits == Limits(call_cpu=2, memory=64 << 20)
    assert (section.id, dict(section.modules), section.submit) == (
        "numpy", {"layers": "neuralnet/layers.py"}, ("layers.py",),
    )  # fmt: skip
    assert (dict(section.keep), section.forbid) == ({"forward": (1,)}, ("torch",))
    one, two = task.items
    assert [(check.name, check.points) for check in one.checks] == [("a", 4), ("b", 2)]
    assert one.settings == {"tolerance": 1e-9}
    assert (two.points, two.skipped, two.checks) == (4, "not yet", ())


def test_a_section_may_have_a_memory_of_its_own(tmp_path):
    plan = load(tmp_path, SMALL.replace("forbid: [torch]", "memory: 96"))
    assert (plan.sections[0].memory, plan.limits.memory) == (96 << 20, 64 << 20)
    assert load(tmp_path, SMALL).sections[0].memory is None


def test_a_section_says_what_it_keeps_warm_and_what_drives_it(tmp_path):
    lines = "needs: [yaml]\n    warm: [csv, yaml.loader]\n    drivers: [a]"
    plan = load(tmp_path, SMALL.replace("forbid: [torch]", lines))
    assert (plan.sections[0].warm, plan.sections[0].drivers) == (("csv", "yaml.loader"), ("a",))
    absent = SMALL.replace("forbid: [torch]", "needs: [nowhere]\n    warm: [nowhere.at.all]")
    assert load(tmp_path, absent).sections[0].warm == ("nowhere.at.all",)  # nothing of it is graded here


def test_data_sets_and_the_handout_arrive(tmp_path):
    text = SMALL.replace(
        "tasks:",
        "data: {w: {title: W, places: [w, ~/w], files: {a: 01234567}, reader: d.read, stand_in: d.make, hint: h,\n"
        "  fetch: [{url: u, md5: m, size: 9}]}}\nhandout: {files: [a.py], fixtures: {d/b: b}}\ntasks:",
    ).replace("points: 6", "points: 6\n        data: [w]")
    plan = load(tmp_path, text.replace("section: numpy", "section: numpy\n    data: [w]"))
    expected = DataPlan("w", "W", ("w", "~/w"), {"a": "01234567"}, (Download("u", "m", 9),), "d.read", "d.make", "h")
    assert plan.data == {"w": expected}
    assert (plan.tasks[0].data, plan.tasks[0].items[0].data, plan.tasks[0].items[1].data) == (("w",), ("w",), ())
    assert plan.handout == HandoutPlan(("a.py",), {"d/b": "b"})


def test_what_is_named_keeps_its_line(tmp_path):
    plan = load(tmp_path, SMALL)
    path = tmp_path / "rubric.yaml"
    for kind, name, line in (("module", "layers", 5), ("keep", "forward", 7), ("check", "b", 18), ("item", "1.2", 19)):
        assert plan.where(kind, name) == f"{path}:{line}"
    assert plan.where("item", "7.1") == str(path)


def test_lateness_and_the_courses_time_zone_arrive(tmp_path):
    given = SMALL.replace("tasks:", "late: {per_day: 10, cap: 50, timezone: Europe/Berlin}\ntasks:", 1)
    assert load(tmp_path, given).late == Late(per_day=10, cap=50, timezone="Europe/Berlin")
    assert load(tmp_path, SMALL.replace("tasks:", "late: {per_day: 0}\ntasks:", 1)).late == Late(per_day=0)
    assert load(tmp_path, SMALL).late is None


def test_a_run_is_shown_at_once_unless_a_person_releases_it(tmp_path):
    assert load(tmp_path, SMALL).release == "at_once"
    assert load(tmp_path, SMALL.replace("tasks:", "release: by_hand\ntasks:", 1)).release == "by_hand"


def test_the_digest_is_the_files(tmp_path):
    assert load(tmp_path, SMALL).digest == load(tmp_path, SMALL).digest != load(tmp_path, SMALL + "\n").digest


MISTAKES = [
    ("title: Tiny\n", "", 1, "no title"),
    ("title: Tiny", "titel: Tiny", 1, "cannot have the key titel"),
    ("call_cpu: 2", "call_cpu: fast", 2, "call_cpu must be a number"),
    ("call_cpu: 2", "call_cpu: 0", 2, "more than 0"),
    ("call_cpu: 2", "cpu: 2", 2, "cannot have the key cpu"),
    ("call_cpu: 2", "call_cpu: .nan", 2, "must be a number"),
    ("forbid: [torch]", "memory: much", 8, "memory must be a number"),
    ("forbid: [torch]", "memory: 0", 8, "memory is 0; it must be at least 32"),
    ("forbid: [torch]", "memory: 1", 8, "memory is 1; it must be at least 32"),
    ("memory: 64", "memory: 99999999999999999999", 2, "memory is 1e+20; it must be at most 1e+09"),
    ("memory: 64", "memory: 0.5", 2, "memory is 0.5; it must be at least 32"),
    ("forbid: [torch]", "forbid: [torch, numpy]", 8, "forbid names numpy, which every process has imported; leave it"),
    ("submit: [layers.py]", "submit: [code/layers.py]", 6, "submit names code/layers.py; name the file alone"),
    ("tasks:", "handout: {files: [../a.py]}\ntasks:", 9, "the handout lists ../a.py, which lies outside of it"),
    ("tasks:", "handout: {files: [], fixtures: {/a: a}}\ntasks:", 9, "the handout lists /a, which lies outside of it"),
    (
        "submit: [layers.py]",
        "submit: ['report*.pdf', '*.jpg']",
        6,
        "submit names report*.pdf; write a whole name, or *",
    ),
    ("submit: [layers.py]", "submit: ['*']", 6, "submit names *; write a whole name, or *"),
    ("submit: [layers.py]", "submit: layers.py", 6, "submit must be a list"),
    ("[1]", "[1.5]", 7, "whole number"),
    ("[1]", "[-1]", 7, "at least 0"),
    ("section: numpy", "section: torch", 12, "no section 'torch'"),
    ("points: 6", "points: six", 16, "points must be a number"),
    ("points: 6", "points: -6", 16, "at least 0"),
    ("1.0e-9", "1e-9", 17, "YAML needs a decimal point"),
    ("1.0e-9", "1.0e9", 17, "a signed exponent"),
    ("1.0e-9", "nine", 17, "tolerance must be a number"),
    ("1.0e-9", "-1.0e-9", 17, "tolerance is -1e-09; it must be at least 0"),
    ("tolerance: 1.0e-9", "accuracy: 40", 17, "accuracy is 40; it is a share, so at most 1"),
    ("tolerance: 1.0e-9", "full: 0.85\n        partial: 0.9", 18, "partial is above full, which is 0.85"),
    ("1.0e-9", "1.0e-9\n        [a]: 1", 18, "a key must be one line of text"),
    ("{a: 2, b: 1}", "{a: 0, b: 1}", 18, "more than 0"),
    ("{a: 2, b: 1}", "[a, a]", 18, "named twice"),
    ('id: "1.2"', 'id: "1.1"', 19, "item 1.1 appears twice"),
    ("        skip: not yet\n", "", 19, "1.2"),
    ("title: Two", "title: Two\n        title: Zwei", 21, "title appears twice"),
    ("title: First", "title: [First]", 11, "title must be one line of text"),
    ("title: First", 'title: "First\\nSecond"', 11, "one line of text"),
    ("forbid: [torch]", "warm: [numpy, torch]", 8, "warm names torch, but it is not in Python, numpy or"),
    ("forbid: [torch]", "warm: [numpy.rnadom]", 8, "warm names numpy.rnadom, but numpy has no such module"),
    ("forbid: [torch]", "warm: [os.path.join]", 8, "warm names os.path.join, but os has no such module"),
    ("forbid: [torch]", "needs: [yaml]\n    warm: [yaml.loader,\n      yaml.x]", 10, "yaml has no such module"),
    ("forbid: [torch]", "warm: [{}]", 8, "a module must be one line of text"),
    ("forbid: [torch]", "drivers: spin", 8, "drivers must be a list"),
    (
        "section: numpy",
        "section: numpy\n    data: [words]",
        13,
        "task 1 reads the data set words, but it is not under `data`",
    ),
    (
        "points: 6",
        "points: 6\n        data: [words]",
        17,
        "item 1.1 reads the data set words, but it is not under `data`",
    ),
    ("tasks:", "data: {w: {title: W, files: {a: 01234567}}}\ntasks:", 9, "data set w has no places"),
    ("tasks:", "data: {w: {title: W, places: [], files: {a: 01234567}}}\ntasks:", 9, "has no places"),
    ("tasks:", "data: {w: {title: W, places: [w], files: {a: 0123}}}\ntasks:", 9, "a needs an md5, a sha256"),
    ("tasks:", "data: {w: {title: W, places: [w], files: {a: 01234567, b: 01234567}}}\ntasks:", 9, "has no reader"),
    (
        "tasks:",
        "data: {w: {title: W, places: [.], files: {a: 01234567},\n  fetch: [{url: u, md5: m, size: 1}]}}\ntasks:",
        10,
        "data set w is downloaded into its first place, so that must be",
    ),
    (
        "tasks:",
        "data: {w: {title: W, places: [w], files: {a: 01234567},\n  fetch: [{url: u, size: 1}]}}\ntasks:",
        10,
        "a file to fetch has no md5",
    ),
    ("tasks:", "handout: {scripts: [a]}\ntasks:", 9, "handout has no files"),
    ("tasks:", "tasks: [\n", 0, "not YAML"),
    ("    section: numpy", "\tsection: numpy", 12, "; indent with spaces, not with tabs"),
    ("title: Tiny", "title: HW1: Tiny", 1, "; put a text that contains a colon in quotes"),
    ("title: Tiny", "title: @tiny", 1, "; put a text that begins with such a character in quotes"),
    ("title: Tiny", "title: ~", 1, "title must be one line of text"),
    ("skip: not yet", "skip: false", 22, "skip is false; say why the item is not graded, as `skip: a TA reads it`"),
    ('id: "1.2"', 'id: "1.2 b"', 19, "the id 1.2 b has a space or a slash in it; write it without"),
    ('id: "1.2"', "id: 1.2/b", 19, "the id 1.2/b has a space or a slash in it; write it without"),
    ("{layers:", "{class:", 5, "the module class needs a name that can stand in"),
    ("submit: [layers.py]", "submit: ['*.py']", 6, "submit names *.py; name each script, because a check asks"),
    ("forbid: [torch]", "forbid: [numpy.linalg]", 8, "forbid names numpy.linalg, but only a whole package can"),
    ("forbid: [torch]", "needs: [torch]\n    forbid: [torch]", 9, "forbid names torch, which `needs` names, too"),
    ("title: Tiny", "title: &a Tiny\nother: *a", 2, "aliases such as"),
    (
        "title: Tiny",
        "title: Tiny\nlate: {per_day: 1, timezone: CET+1}",
        2,
        "no time zone CET+1; write it as Europe/Berlin",
    ),
    ("title: Tiny", "title: Tiny\nlate: {per_day: 1, timezone: ../x}", 2, "there is no time zone ../x"),
    ("title: Tiny", "title: Tiny\nlate: {per_day: 1, timezone: [a]}", 2, "timezone must be one line of text"),
    ("title: Tiny", "title: Tiny\nlate: {per_day: 101}", 2, "in percent, so at most 100"),
    ("neuralnet/layers.py", "/etc/passwd", 5, "the module layers must be a .py file in reference/"),
    ("neuralnet/layers.py", "../layers.py", 5, "the module layers must be a .py file in reference/"),
    ("{layers: neural", "{my-layers: neural", 5, "the module my-layers needs a name that can stand in `hw.NAME`"),
    ("{a: 2, b: 1}", "a", 18, "checks must be a list of names"),
    ("{a: 2, b: 1}", "[]", 18, "checks must be a list of names"),
    ("title: First", 'title: "Fi\u202erst"', 11, r"one line of text; '\u202e' is in it"),
    ("title: Tiny", "title: Tiny\nrelease: later", 2, "release is later; write at_once or by_hand"),
    ("title: Tiny", "title: Tiny\nrelease: [by_hand]", 2, "release must be one line of text"),
]


@pytest.mark.parametrize(("old", "new", "line", "says"), MISTAKES, ids=[f"{m[1] or m[0]!r:.30}" for m in MISTAKES])
def test_each_mistake_is_named_with_its_line(tmp_path, old, new, line, says):
    assert old in SMALL
    with pytest.raises(RubricError) as error:
        load(tmp_path, SMALL.replace(old, new, 1))
    lines = str(error.value).splitlines()
    assert any(said.startswith(f"rubric.yaml:{line or ''}") and says in said for said in lines), lines


def test_a_rubric_without_sections_lacks_these_alone(tmp_path):
    with pytest.raises(RubricError) as error:
        load(tmp_path, SMALL.replace("sections:", "section:"))
    assert [line.partition(" ")[2][:30] for line in str(error.value).splitlines()] == [
        "the rubric has no sections; ad", "the rubric cannot have the key"]  # fmt: skip


def test_all_mistakes_are_told_at_once(tmp_path):
    text = SMALL.replace("points: 6", "points: six").replace("section: numpy", "section: torch")
    with pytest.raises(RubricError) as error:
        load(tmp_path, text)
    assert [said.split(" ")[0] for said in str(error.value).splitlines()] == ["rubric.yaml:12:", "rubric.yaml:16:"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"title: \xff", "1: this line is not UTF-8"),
        (b"- a list", "must be a mapping"),
        (b"[" * 200 + b"]" * 200, "rubric.yaml:1: lists and mappings are nested"),
        (
            b"[" * 30_000 + b"]" * 30_000,
            "rubric.yaml:1: (lists and mappings are nested|not YAML: exceeded maximum nesting)",
        ),
        (b"\n".join(b" " * depth + b"a:" for depth in range(40)), "rubric.yaml:21: lists and mappings are nested"),
        (b"x" * (1 << 21), "a rubric may have at most"),
        (b"a: 'open", "not YAML"),
        (b"\0", "not YAML"),
    ],
)
def test_what_is_no_rubric_is_told_in_a_sentence(tmp_path, content, says):
    with pytest.raises(RubricError, match=says):
        load(tmp_path, content)


def test_a_missing_file_says_what_belongs_there(tmp_path):
    with pytest.raises(RubricError, match="No such file or directory; name the homework's folder, which contains one"):
        rubric.load(tmp_path / "rubric.yaml")


@pytest.mark.parametrize("word", ["nine", "1.0-9"])
def test_no_exponent_is_explained_where_there_is_none(tmp_path, word):
    with pytest.raises(RubricError) as error:
        load(tmp_path, SMALL.replace("1.0e-9", word))
    assert str(error.value) == "rubric.yaml:17: tolerance must be a number"


def test_a_policy_is_a_word_and_one_that_is_misspelt_is_named_with_its_line(tmp_path):
    item = (
        load(tmp_path, SMALL.replace("tolerance: 1.0e-9", "tolerance: 1.0e-9\n        without_a_loop: part"))
        .tasks[0]
        .items[0]
    )
    assert (item.policies, "without_a_loop" in item.settings) == ({"without_a_loop": "part"}, False)
    with pytest.raises(RubricError) as error:
        load(tmp_path, SMALL.replace("tolerance: 1.0e-9", "tolerance: quesion"))
    assert str(error.value) == (
        "rubric.yaml:17: tolerance is quesion; it must be a number, or one of advice, judged, part, question"
    )


anywhere = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def loads_or_names_its_lines(tmp_path: Path, data: bytes) -> None:
    """Whatever else escapes fails the test."""
    try:
        load(tmp_path, data)
    except RubricError as error:
        said = str(error).splitlines()
        assert all(re.match(r"rubric\.yaml:\d+: .|\.\.\. and \d+ more", line) for line in said), said


@given(
    st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.text(max_size=6), st.integers(0, 6)), max_size=5)
)  # cut at, put in, take out
@anywhere
def test_any_text_is_a_rubric_or_a_rubric_error(tmp_path, edits):
    text = SMALL
    for at, put, out in edits:
        text = text[:at] + put + text[at + out :]
    loads_or_names_its_lines(tmp_path, text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60))
@anywhere
def test_any_bytes_are_a_rubric_or_a_rubric_error(tmp_path, data):
    loads_or_names_its_lines(tmp_path, data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.medium
@given(st.data())
@anywhere
def test_any_value_in_any_place_is_a_rubric_or_a_rubric_error(tmp_path, data):
    """Valid YAML of the right outline, with one value that does not belong there."""
    plan = yaml.safe_load(SMALL)
    place: Any = plan
    while True:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(VALUES)
    loads_or_names_its_lines(tmp_path, yaml.safe_dump(plan, sort_keys=False).encode())


def test_visibility_is_a_word_for_all_checks_of_an_item_or_one_by_name(tmp_path):
    def levels(line):
        path = tmp_path / "rubric.yaml"
        path.write_text(RUBRIC_OF_ONE_ITEM.format(line=line), encoding="utf-8")
        return [check.visibility for check in rubric.load(path).tasks[0].items[0].checks]

    assert levels("") == ["visible", "visible"]
    assert levels("visibility: hidden") == ["hidden", "hidden"]
    assert levels("visibility: {b: after_due}") == ["visible", "after_due"]
    for line, said in (("visibility: later", "has to be one of visible, after_due, hidden"),
                       ("visibility: {c: hidden}", "names c, which is no check of the item")):  # fmt: skip
        with pytest.raises(RubricError, match=said):
            levels(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("trusted: {work: work.py}", "trusted names work, which is a module of the section"),
        ("trusted: {known: ../known.py}", r"known must be a \.py file in reference/"),
        ("trusted: {known: known.txt}", r"known must be a \.py file in reference/"),
    ],
)
def test_a_trusted_module_is_a_file_of_the_reference(tmp_path, line, said):
    path = tmp_path / "rubric.yaml"
    text = RUBRIC_OF_ONE_ITEM.format(line="")
    path.write_text(text.replace("submit: [work.py]", "submit: [work.py]\n    trusted: {known: known.py}"))
    assert rubric.load(path).sections[0].trusted == {"known": "known.py"}
    path.write_text(text.replace("submit: [work.py]", f"submit: [work.py]\n    {line}"))
    with pytest.raises(RubricError, match=said):
        rubric.load(path)


RUBRIC_OF_ONE_ITEM = """\
title: T
sections:
  main:
    modules: {{work: work.py}}
    submit: [work.py]
handout:
  files: [work.py]
tasks:
  - id: "1"
    title: T
    section: main
    items:
      - id: "1.1"
        title: I
        points: 4
        checks: [a, b]
        {line}
"""
