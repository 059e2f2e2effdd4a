"""Which feedback was written for whom, so that a second export does not reach a student twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from grader.course.database import Database
from grader.course.export.feedback.letter import Letter, Post


def drop_known(database: Database, platform: str, post: Post) -> list[Letter]:
    """Drop the files that tell each of their students what the last one told. Gives the letters in them."""
    told = dict(database.rows("SELECT student, digest FROM returned WHERE platform = ?", platform))
    known: list[Letter] = []
    for name, letters in list(post.whose.items()):
        if all(told.get(one.student) == one.digest for one in letters):
            known += letters
            post.drop(name)
    return known


def record(database: Database, platform: str, letters: Iterable[Letter]) -> None:
    at = datetime.now(UTC).isoformat()
    with database.writing() as connection:
        for one in letters:
            connection.execute(
                "INSERT OR REPLACE INTO returned VALUES (?, ?, ?, ?)", (platform, one.student, one.digest, at)
            )
