"""Feedback as e-mail: a message per student with the text, and the page attached. Nothing is sent from here.

Python's library writes the headers, so that no name can add one. `X-Unsent` makes Outlook open a message as a draft.
A message's id follows from what it says: programs show the same message once, even if it is sent twice.
"""

from __future__ import annotations

import mailbox
import re
import tempfile
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

from grader.course.export.feedback.letter import PAGE, Letter, Post
from grader.course.roster import EMAIL_COLUMNS, column, key_of
from grader.errors import UsageError
from grader.model import Student
from grader.report.wording import harmless

COLUMNS = (*EMAIL_COLUMNS, "SIS Login ID", "username", "login_id", "user")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+"
LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@.{{1,253}}$){ATOM}(?:\.{ATOM})*@(?:{LABEL}\.)+[^\W\d_]\w+")
UNKNOWN = (
    "no e-mail address is known that mail programs take; correct or add the column Email in the class list, and run "
    "the batch again"
)
TWICE = "the e-mail address is another student's, too; correct it in the class list"
BODY = """\
{text}

The report with all measurements is attached as {page}. Save it and open it in a browser.
"""


def pack(letters: Sequence[Letter], sender: str, at: datetime) -> Post:
    """A message per student, as files NAME.eml. Raises UsageError if `sender` is not an address."""
    post, own = Post(), sender_of(sender)
    known = {one.student: address_of(one.row.student) for one in letters}
    all_ = [told.casefold() for told in known.values()]
    for one in letters:
        to = known[one.student]
        if not to:
            post.leave_out(one, UNKNOWN)
        elif all_.count(to.casefold()) > 1:
            post.leave_out(one, TWICE)
        else:
            post.put(f"{one.student}.eml", message(one, to, own, at).as_bytes(), [one])
    return post


def message(one: Letter, to: str, sender: Address, at: datetime) -> EmailMessage:
    assert one.row.report is not None
    name, (user, _, domain) = harmless(one.row.student.name), to.rpartition("@")
    told = EmailMessage(policy=policy.SMTP)
    told["From"] = sender
    told["To"] = Address(name, user, domain.encode("idna").decode("ascii"))
    told["Subject"] = f"Feedback: {harmless(one.row.report.title)}"
    told["Date"] = at
    told["Message-ID"] = f"<{one.student}.{one.digest[:16]}@{sender.domain}>"
    told["X-Unsent"] = "1"
    told.set_content(BODY.format(text=one.text, page=PAGE))
    told.add_attachment(one.page.encode(), maintype="text", subtype="html", filename=PAGE)
    return told


def sender_of(text: str) -> Address:
    """An address as `cs@example.org` or `Course <cs@example.org>`."""
    found = re.fullmatch(r"\s*(?:(?P<name>[^<>]*?)\s*<(?P<in>[^<>]+)>|(?P<bare>\S+))\s*", text)
    told = (found["in"] or found["bare"]) if found else ""
    try:
        if not found or not ADDRESS.fullmatch(told):
            raise ValueError
        user, _, domain = told.rpartition("@")
        return Address(harmless(found["name"] or "").strip(' "'), user, domain.encode("idna").decode("ascii"))
    except (ValueError, MessageError):
        raise UsageError(f'--from {harmless(text)} is not an address; write it as "Course <cs@example.org>"') from None


def address_of(student: Student) -> str:
    """The student's address; "" if none is known, or if the cell holds anything else."""
    told = [
        column({key: value}, key)
        for name in COLUMNS
        for key, value in student.ids.items()
        if key_of(key) == key_of(name)
    ]
    return next((one for one in told if is_address(one)), "")


def is_address(text: str) -> bool:
    try:
        user, _, domain = text.rpartition("@")
        return bool(ADDRESS.fullmatch(text)) and bool(Address("", user, domain.encode("idna").decode("ascii")))
    except (ValueError, MessageError):  # such as two dots in a row
        return False


def mbox(files: dict[str, bytes]) -> bytes:
    """All messages in one file, as mail programs import it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feedback.mbox"
        box = mailbox.mbox(path)
        for name in sorted(files):
            box.add(files[name].replace(b"\r\n", b"\n"))
        box.close()
        return path.read_bytes()
