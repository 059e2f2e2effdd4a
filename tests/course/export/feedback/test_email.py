"""Feedback as e-mail: one message per student, read back with Python's library, and no name adds a header."""

from __future__ import annotations

import email
import mailbox
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from email import policy

import pytest

from grader.course.export.feedback import email as mail
from grader.course.export.feedback.letter import letter
from grader.errors import UsageError
from grader.model import Row, Student

AT = datetime(2026, 11, 28, tzinfo=UTC)
SENDER = '"Course, the" <cs@example.org>'
HOSTILE = (
    "Eve\r\nBcc: all@example.org",
    "Eve\nSubject: x\n\nbody", 'a", <b@example.org>, "c', "\u202egro.elpmaxe@eve", "=?utf-8?q?x?=",
    "Müller, Jürgen", "李小龍", "\ud800", "x" * 500, "", "<script>", "Group: a@example.org;",
)  # fmt: skip


def packed(report, *people: tuple[str, dict[str, str]]):
    rows = [Row(Student(f"s{at}", name, ids), report) for at, (name, ids) in enumerate(people)]
    return mail.pack([letter(row, "<!doctype html>From me") for row in rows], SENDER, AT)


def read(content: bytes):
    return email.message_from_bytes(content, policy=policy.default)


def test_a_message_has_the_text_and_the_page_for_one_student(report):
    post = packed(report, ("Lovelace, Ada", {"Email": "ada@example.org"}))
    message = read(post.files["s0.eml"])
    assert message["To"].addresses[0].addr_spec == "ada@example.org"
    assert message["From"].addresses[0].addr_spec == "cs@example.org"
    assert message["Subject"] == "Feedback: Backprop by hand"
    assert message["Date"].datetime == AT
    text = message.get_body(("plain",)).get_content()
    assert "19.33 of 40" in text
    assert "3 points wait for a review." in text
    (page,) = message.iter_attachments()
    assert (page.get_content_type(), page.get_filename()) == ("text/html", "report.html")
    assert page.get_content().strip() == "<!doctype html>From me"
    assert not message.defects


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_adds_a_header_or_another_reader(report, name):
    bad = replace(report, title=f"{report.title}\r\nBcc: all@example.org")
    message = read(packed(bad, (name, {"Email": "eve@example.org"})).files["s0.eml"])
    assert [one.addr_spec for one in message["To"].addresses] == ["eve@example.org"]
    assert sorted(message.keys()) == [
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
        "X-Unsent",
    ]


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "@example.org", "a@b@example.org", "a@example.org, b@example.org",
     "a@example.org\nBcc: b@example.org", "<a@example.org>", "a b@example.org", "ä@example.org", "a..b@example.org",
     ".a@example.org", "a@-x.org", "a@localhost", "a@exa mple.org", "a@example.org;b@example.org",
     "a@" + "x" * 64 + ".org"],
)  # fmt: skip
def test_a_cell_that_is_no_address_is_never_written_to(report, address):
    post = packed(report, ("Ada", {"Email": address}))
    assert (post.files, post.left_out) == ({}, {mail.UNKNOWN: ["s0"]})


def test_an_address_of_two_students_is_neither_ones(report):
    post = packed(report, ("Ada", {"Email": "A@example.org"}), ("Bob", {"Email address": "a@example.org"}),
                  ("Cem", {"SIS Login ID": "cem@bücher.example"}))  # fmt: skip
    assert post.left_out == {mail.TWICE: ["s0", "s1"]}
    assert read(post.files["s2.eml"])["To"].addresses[0].addr_spec == "cem@xn--bcher-kva.example"


def test_a_mailbox_holds_every_message_whatever_it_says(report, tmp_path):
    told = replace(report, notes=("From here on", "From me"))
    post = packed(told, *((name, {"Email": f"s{at}@example.org"}) for at, name in enumerate(HOSTILE)))
    path = tmp_path / "class.mbox"
    path.write_bytes(mail.mbox(post.files))
    with closing(mailbox.mbox(path)) as box:
        found = [email.message_from_bytes(bytes(one), policy=policy.default) for one in box]
    assert sorted(one["To"].addresses[0].addr_spec for one in found) == sorted(
        f"s{at}@example.org" for at in range(len(HOSTILE))
    )


@pytest.mark.parametrize(
    "sender", ["cs", "a@example.org, b@example.org", "x <a@b@c.org>", "a@example.org\r\nBcc: b@example.org"]
)
def test_a_sender_that_is_no_address_is_refused(report, sender):
    with pytest.raises(UsageError, match="is not an address"):
        mail.pack([letter(Row(Student("a", "A"), report), "")], sender, AT)
