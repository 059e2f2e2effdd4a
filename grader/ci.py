"""What `--ci` adds to a run: annotations, a summary and reports, as the CI that runs it reads them.

GitHub Actions obeys each printed line that looks like one of its commands. So all that is printed lies between two
lines that switch commands off and on; the second holds a random token that no student can know. Commands of ours
follow it.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path

from grader.errors import UsageError
from grader.files import STANDARD_OUTPUT, append, check_place, is_output, write
from grader.intake.repository import places
from grader.model import Report, Submission
from grader.report import code_quality, junit, markdown, workflow_commands
from grader.report.audience import Audience
from grader.report.wording import harmless, without_links

CODE_QUALITY, JUNIT = "gl-code-quality-report.json", "junit.xml"  # GitLab's reports, in its project's folder


class Step:
    """The step of a CI's job that this run is. `commands` are lines for GitHub, once it obeys again."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        given = environment.get
        summary = given("GITHUB_STEP_SUMMARY")
        self.github = given("GITHUB_ACTIONS") == "true" or bool(summary)
        self.gitlab = given("GITLAB_CI") == "true" and not self.github
        self.folder = given("GITHUB_WORKSPACE" if self.github else "CI_PROJECT_DIR", "")
        self.repository = given("GITHUB_REPOSITORY" if self.github else "CI_PROJECT_PATH", "")
        self.summary = Path(summary) if summary else None
        self.places: Mapping[str, str] = {}
        self.commands: list[str] = []

    @property
    def reports(self) -> tuple[Path, Path]:
        """Where GitLab's reports go: code quality and JUnit."""
        return Path(self.folder) / CODE_QUALITY, Path(self.folder) / JUNIT

    def check(self, *paths: Path | None) -> None:
        """Raise UsageError where an output, one of `paths` or of GitLab's reports, would lie in the log, cannot be
        written, or leads elsewhere: what is checked out is a student's, links included."""
        own = self.reports if self.gitlab else ()
        for path in filter(None, (*paths, *own)):
            if is_output(path):
                raise UsageError(f"--ci prints what the CI reads, so {path} cannot be printed, too; name a file")
            walked = (path,) if path.is_absolute() else (path, *path.parents)
            if link := next((part for part in walked if part.is_symlink()), None):
                raise UsageError(f"--ci writes through no link, and {link} is one; delete it, or name another file")
            check_place(path)
        if not (self.github or self.gitlab):
            print("grade.py: notice: --ci knows GitHub Actions and GitLab CI, and this is neither", file=sys.stderr)

    def locate(self, path: Path, submission: Submission) -> None:
        """Find where in the repository the files of the submission at `path` lie."""
        self.places = places(path, submission, workspace=self.folder, repository=self.repository)

    def write(self, report: Report, audience: Audience, own_junit: Path | None) -> None:
        """Write what this CI reads, but for what is printed. Raises UsageError for a file that cannot be written."""
        if self.github:
            self.commands += workflow_commands.render(report, self.places).splitlines()
        if self.summary:
            append(self.summary, markdown.render(report, audience=audience))
        if self.gitlab:
            quality, suite = self.reports
            write(quality, code_quality.render(report, self.places))
            if not own_junit:
                write(suite, junit.render(report, audience=audience))

    def fail(self, sentence: str) -> str:
        """A sentence why the run failed, as the log shows it; GitHub shows it on the run's page, too."""
        said = without_links(harmless(sentence))
        if self.github:
            self.commands.insert(0, workflow_commands.command("error", said, title="grade.py"))
        if self.summary:
            try:
                append(self.summary, f"\n**grade.py:** {markdown.code(said)}\n")
            except UsageError as error:
                self.commands.append(workflow_commands.command("warning", harmless(str(error)), title="grade.py"))
        return said


@contextmanager
def step(environment: Mapping[str, str]) -> Iterator[Step]:
    """All that is printed meanwhile is no command, on standard error neither: there, lines would come out of turn."""
    this = Step(environment)
    if not this.github:
        yield this
        return
    token = secrets.token_hex(16)
    obey(f"::stop-commands::{token}")
    try:
        with redirect_stderr(sys.stdout):
            yield this
    finally:
        obey("", f"::{token}::", *this.commands)  # the empty one ends a line that was cut off


def obey(*commands: str) -> None:
    with suppress(UsageError):  # the reader is gone
        write(STANDARD_OUTPUT, "".join(f"{line}\n" for line in commands))
