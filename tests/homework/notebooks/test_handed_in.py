"""What a notebook's run tells of what it left out."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

from grader.homework.notebooks.handed_in import left_out
from grader.sandbox.session import Session

PLACE = Path("/tmp/backgrade-x1")  # a session, which is not there
HW = SimpleNamespace(
    session=SimpleNamespace(as_handed_out=partial(Session.as_handed_out, SimpleNamespace(folder=PLACE)))
)


def test_no_path_of_the_grader_is_told_of_a_line_that_was_left_out():
    reply = [(1, 2, f"FileNotFoundError: {PLACE}/scratch/weights.pt")]
    assert left_out(HW, reply) == ((1, 2, "FileNotFoundError: (grader)/scratch/weights.pt"),)


def test_a_reply_of_another_form_tells_nothing():
    assert left_out(HW, {"a": 1}) == left_out(HW, [(1, 2.0, "x"), 3, (1, 2), ([1], 2, "x")]) == ()
