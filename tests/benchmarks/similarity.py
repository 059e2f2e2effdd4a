"""How many planted copies `grade.py similar` finds, and how many innocent pairs: python tests/benchmarks/similarity.py

python tests/benchmarks/similarity.py [COUNT [COPIES [SEED ...]]]      300 submissions, 30 of them copies, if not given

See tests/cohort.py for how the class and its copies are made, and for what that says about real classes. A quarter of
the copies kept nothing but the code. The last lines show the same class with fewer students, all innocent, and what
part-wise copies, and a copy by each single trick, come to.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import cohort  # noqa: E402
from cohort import Submission  # noqa: E402

from grader.course.job import homework_at  # noqa: E402
from grader.similarity import reading, work  # noqa: E402
from grader.similarity.pairs import Entry, pairs  # noqa: E402

KINDS = ("code", "outputs", "pictures", "answers")


def whole(count: int, copies: int, seed: int) -> None:
    """The command itself on a class on disk."""
    with tempfile.TemporaryDirectory() as folder:
        planted = cohort.save_class(Path(folder) / "class", count, copies, seed)
        out = Path(folder) / "similar.json"
        began = time.monotonic()
        command = [sys.executable, str(ROOT / "grade.py"), "similar", f"{folder}/class", "--json", str(out)]
        subprocess.run([*command, "--html", f"{folder}/similar.html"], check=True, capture_output=True)
        seconds = time.monotonic() - began
        found = {(one["left"], one["right"]): one for one in json.loads(out.read_text())["pairs"]}
    innocent = count * (count - 1) // 2 - len(planted)
    wrong = sum(pair not in planted for pair in found)
    hits = len(planted.keys() & found)
    print(f"class {seed}: {count} submissions, {seconds:.1f} s; {hits} of {len(planted)} copies; "
          f"{wrong} of {innocent} innocent pairs ({wrong / innocent:.3%})")  # fmt: skip
    by_kind = Counter(kind for pair in planted for kind in KINDS if alone(found.get(pair), kind))
    kept = Counter(planted[pair] for pair in planted.keys() & found)
    print("    found by one kind alone:", ", ".join(f"{kind} {by_kind[kind]}" for kind in KINDS[:3]), flush=True)
    print(
        "    what was kept:",
        ", ".join(f"{what} {kept[what]} of {of}" for what, of in Counter(planted.values()).items()),
    )


def alone(pair: dict | None, kind: str) -> bool:
    return pair is not None and any(one["kind"] == kind and one["strength"] >= 1 for one in pair["evidence"])


def entry(label: str, made: cohort.Submission) -> Entry:
    """A submission, read as from disk."""
    with tempfile.TemporaryDirectory() as folder:
        cohort.save(made, Path(folder) / "it")
        files = {path.name: path.read_bytes() for path in (Path(folder) / "it").iterdir()}
    return Entry(label, work.read(lambda name: None, files))


def small(entries: list[Entry], handout: work.Work) -> None:
    """Innocent pairs of smaller classes."""
    draw = Random(0)
    for size in (2, 5, 10, 20, 40, 80):
        listed = [len(pairs(draw.sample(entries, size), handout).pairs) for _ in range(20)]
        share = sum(listed) / (20 * size * (size - 1) / 2)
        print(f"    {size} innocent students: {sum(listed) / 20:.2f} pairs a class ({share:.3%})", flush=True)


def tricks(entries: list[Entry], handout: work.Work) -> None:
    """A copy of each of 12 students by one trick each, and copies of a part: how many are listed for their code."""
    for name, trick in cohort.TRICKS.items():
        made = []
        for at in range(12):
            copy = trick(cohort.student(at), cohort.student(500 + at), Random(at))
            made.append(entry(f"copy {entries[at].label}", Submission(copy.files, copy.cells)))
        strengths = dict.fromkeys((one.label for one in made), 0.0)
        for pair in pairs([*entries, *made], handout).pairs:
            if pair.left.removeprefix("copy ") == pair.right:
                strengths[pair.left] = next((one.strength for one in pair.evidence if one.kind == "code"), 0.0)
        listed = sum(one >= 1 for one in strengths.values())
        print(
            f"    {name}: {listed} of 12 listed, strength {sorted(strengths.values())[5]:.1f} in the middle", flush=True
        )


def main(count: int, copies: int, seeds: list[int]) -> None:
    for seed in seeds:
        whole(count, copies, seed)
    work.load_library()
    entries = [entry(f"s{at:03}", cohort.student(at)) for at in range(120)]
    handout = reading.handout_of(homework_at(None))
    print("smaller classes:")
    small(entries, handout)
    print("one trick each, 120 students:")
    tricks(entries, handout)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given[:2] if len(given) > 1 else (300, 30)), given[2:] or [0, 1, 2])
