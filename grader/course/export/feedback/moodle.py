"""The archive that Moodle takes under "Upload multiple feedback files in a zip" (moodle/moodle,
mod/assign/feedback/file/importziplib.php).

Moodle splits each part of a path at `_` into at most five. The second has to be a participant's number, the third and
fourth a plugin; the fifth is the file's name. With the plugin of feedback files, Moodle compares the file with the
feedback that is there: an equal one is skipped, so a second upload changes nothing and notifies nobody, and another one
replaces it. A name with a `_` of its own could hand its number to another participant, so a name here is letters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from grader.course.export.feedback.letter import PAGE, Letter, Post, word
from grader.course.export.moodle import IDENTIFIER, of_worksheet
from grader.model import Student

PLUGIN = "assignfeedback_file"
UNKNOWN = (
    "Moodle's number is not known: neither the work nor the class list is Moodle's own; grade Moodle's folder, or give "
    "the grading worksheet as --roster"
)
UNCLEAR = "the folder's name holds several numbers; give the grading worksheet as --roster, and run the batch again"
UNLISTED = "the class list does not clearly name them; correct it, and run the batch again"
TWICE = "Moodle's number is another student's, too; give the current grading worksheet as --roster"


def pack(letters: Sequence[Letter]) -> Post:
    post = Post()
    count = Counter(participant(one.row.student) for one in letters if not one.row.student.unlisted)
    for one in letters:
        number = participant(one.row.student)
        if not number:
            post.leave_out(one, UNKNOWN)
        elif one.row.student.unlisted:
            post.leave_out(one, UNLISTED)
        elif is_unclear(one.row.student):
            post.leave_out(one, UNCLEAR)
        elif count[number] > 1:
            post.leave_out(one, TWICE)
        else:
            post.put(f"{word(one.row.student.name)}_{number}_{PLUGIN}_{PAGE}", one.page.encode(), [one])
    return post


def is_unclear(student: Student) -> bool:
    """Whether Moodle's number was read off a name that can be read in two ways, and no worksheet confirms it."""
    return not of_worksheet([student.ids]) and len(re.findall(r"_[0-9]+_assignsubmission_", student.path or "")) > 1


def participant(student: Student) -> str:
    """The number after the word for a participant, which is in any language; "" if there is none."""
    found = re.search(r"(?<![0-9])0*([0-9]{1,18})$", student.ids.get(IDENTIFIER, ""))
    return found[1] if found else ""
