"""gradebook export feedback: each student's report, as the course's platform takes it back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from grader.course import pages, returned
from grader.course.caveats import named
from grader.course.database import EXPORTS
from grader.course.export.feedback import canvas, email, gradescope, moodle
from grader.course.export.feedback.letter import Letter, Post, letter, zipped
from grader.course.gradebook import Gradebook, Run
from grader.errors import UsageError
from grader.files import ZIP, check_place, made_folder, set_aside
from grader.files import write as write_file
from grader.model import Row, Rubric, Verdict
from grader.report.text import Printer
from grader.report.wording import SHAPE

FEEDBACK = "feedback"
MBOX, LETTERS = ".mbox", "From MAILER-DAEMON "  # how a mailbox is called, and begins
# What to do with the file, and what a second time does.
PLATFORMS = {
    "canvas": 'upload it under the assignment\'s "Upload Submissions", once: Canvas adds a comment each time',
    "moodle": 'upload it under "Upload multiple feedback files in a zip"; a second upload changes nothing',
    "gradescope": 'upload it under "Configure Autograder", then "Regrade All Submissions"; keep your own',
    "email": "open it in a mail program and send the messages, once",
}
ONCE = ("canvas", "email")  # where a second time would reach the students twice


def feedback(
    book: Gradebook, run: Run, rows: Sequence[Row], plan: Rubric, arguments: argparse.Namespace, say: Printer
) -> None:
    """Write the feedback of everyone who has a report, and tell whose could not be written and why."""
    platform = arguments.platform
    if platform is None:
        raise UsageError(f"where does the feedback go? add --for {', '.join(PLATFORMS)}")
    if platform == "email" and not arguments.sender:
        raise UsageError('messages need a sender; add --from "Course <cs@example.org>"')
    if platform != "email" and arguments.sender:
        raise UsageError(f"{platform} needs no sender; leave out --from")
    letters = [letter(row, pages.current(book, row.student.id, run)) for row in rows if row.report is not None]
    post = packed(platform, letters, run, plan, arguments)
    once = platform in ONCE
    known = returned.drop_known(book.database, platform, post) if once and not arguments.again else []
    if post.files:
        path = written(book, post, arguments, say)
        if once:
            returned.record(book.database, platform, post.letters)
        say(f"feedback for {len(post.letters)} of {len(letters)} students: {path}; {PLATFORMS[platform]}")
    else:
        say(f"nobody has {'new ' if known else ''}feedback that {platform} could take; no file was written")
    if known:
        say(f"{len(known)} left out, because they have got the same before; --again writes them, too")
    for why, students in post.left_out.items():
        say(f"{SHAPE[Verdict.INTERNAL]} {named(students)}: left out; {why}", "magenta")


def written(book: Gradebook, post: Post, arguments: argparse.Namespace, say: Printer) -> Path:
    """Write the files: messages into a folder of their own or one mailbox, others into an archive."""
    mail = arguments.platform == "email"
    name = f"{FEEDBACK}-{arguments.platform}" + ("" if mail else ".zip")
    path: Path = arguments.out or made_folder(book.folder / EXPORTS) / name
    if mail and path.suffix != MBOX:
        path = made_folder(path if arguments.out else free(path))
        if any(path.glob("*.eml")):
            raise UsageError(f"{path} holds messages of an earlier export; name another folder with --out")
        for message, content in post.files.items():
            write_file(path / message, content)
        return path
    whole = email.mbox(post.files) if mail else zipped(post.files, gradescope.PROGRAMS)
    if arguments.out:
        check_place(path, LETTERS if mail else ZIP)
    if earlier := set_aside(path, whole):
        say(f"the earlier file is {earlier} now")
    write_file(path, whole)
    return path


def free(path: Path) -> Path:
    """The path, or the first one with a number behind it where nothing is."""
    number = 1
    while (numbered := path if number == 1 else path.with_name(f"{path.name}-{number}")).exists():
        number += 1
    return numbered


def packed(platform: str, letters: Sequence[Letter], run: Run, plan: Rubric, arguments: argparse.Namespace) -> Post:
    if platform == "canvas":
        return canvas.pack(letters, names_in(run.settings.get("folder")))
    if platform == "moodle":
        return moodle.pack(letters)
    if platform == "gradescope":
        return gradescope.pack(letters, plan)
    return email.pack(letters, arguments.sender, datetime.now(UTC))


def names_in(folder: str | None) -> list[str]:
    """The names in the class's folder; none if it is gone."""
    try:
        return sorted(path.name for path in Path(folder).iterdir()) if folder else []
    except OSError:
        return []
