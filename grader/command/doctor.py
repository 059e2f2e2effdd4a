"""grade.py doctor: tests which properties of confinement hold on this machine, and says how to fix the others."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from grader.command import data
from grader.data import datasets
from grader.files import STANDARD_OUTPUT, check_place, write
from grader.loading import OWN, load
from grader.report.text import Terminal, Writer
from grader.sandbox import probes
from grader.sandbox.launch import Zygotes
from grader.sandbox.probes import Finding


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py doctor",
        description="Test that this machine confines a student's code, and list the data sets and versions found.",
        epilog="exit codes: 0 all required properties hold, 1 one does not, 2 usage",
    )
    root.add_argument(
        "--data-root",
        type=Path,
        metavar="FOLDER",
        help="folder with data sets (default: BACKGRADE_DATA, or a cache folder)",
    )
    root.add_argument("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    root.add_argument("--json", type=Path, metavar="FILE", help="write the findings as JSON; - prints them")
    return root


def run(arguments: argparse.Namespace) -> int:
    datasets.check_root(arguments.data_root)
    if arguments.json:
        check_place(arguments.json, '{\n  "findings"')
    with Zygotes(ahead=True) as zygotes:
        findings = probes.examine(zygotes.launch)
    versions = probes.versions()
    root = datasets.root(arguments.data_root)
    found = data.survey(load(arguments.homework), root)
    beside = arguments.json == STANDARD_OUTPUT
    show(findings, versions, stderr=beside)
    data.show(root, found, stderr=beside)
    if arguments.json:
        document = {
            "findings": [asdict(finding) for finding in findings],
            "versions": versions,
            "data": [asdict(one) for one in found],
        }
        write(arguments.json, json.dumps(document, indent=2) + "\n")
    return 0 if all(finding.holds for finding in findings) else 1


def show(findings: Sequence[Finding], versions: Mapping[str, str], *, stderr: bool = False) -> None:
    console = Terminal(stderr=stderr)
    say = Writer(console.lacking)
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for finding in findings:
        mark = say("✓ holds", "green") if finding.holds else say("✗ open", "red")
        grid.add_row(mark, say(finding.name), say(finding.found, "dim"))
        if finding.cure:
            grid.add_row("", say(finding.cure, "yellow"), "")
    console.print(grid)
    holding = sum(finding.holds for finding in findings)
    partial = "" if holding == len(findings) else ": confinement is partial, so `batch` needs --allow-unsafe"
    console.print(f"\n{holding} of {len(findings)} properties hold{partial}\n")
    for name, version in versions.items():
        console.print(say(f"{name:12} {version}"))
    console.print()
