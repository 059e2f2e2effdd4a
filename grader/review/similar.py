"""What submissions share, as `grade.py similar` found it: pairs, groups, and a pair side by side. No points move.

Without --names, no name, id or file's path is shown, not even in lines of code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from starlette.responses import HTMLResponse

from grader.course import pages
from grader.environment import joined
from grader.errors import UsageError
from grader.review.guard import Person
from grader.review.queue import hashed
from grader.review.view import View
from grader.similarity import kept
from grader.similarity.kept import Kept
from grader.similarity.table import WHAT

SHORTEST = 3  # characters of a name that is taken out


def overview(view: View, person: Person) -> HTMLResponse:
    """All pairs and groups, or a sentence that says what to type."""
    found = kept.read(view.desk.folder / pages.PAIRS)
    told = Told(view, found) if found else None
    return view.page("similar.html.j2", person, command=command(view), what=WHAT, found=found, told=told,
                     old=bool(found and found.run != view.desk.queue.run.id))  # fmt: skip


def pair(view: View, person: Person, key: str) -> HTMLResponse:
    """A pair side by side. Raises UsageError if there is none."""
    found = kept.read(view.desk.folder / pages.PAIRS)
    told = Told(view, found) if found else None
    at = next((at for at, one in enumerate(found.pairs) if told and told.key(one) == key), None) if found else None
    if found is None or told is None or at is None:
        raise UsageError("there is no such pair; go back to the page Similar")
    around = [told.link(found.pairs[other]) if 0 <= other < len(found.pairs) else "" for other in (at - 1, at + 1)]
    return view.page("pair_page.html.j2", person, one=told.shown(found.pairs[at]), told=told, what=WHAT,
                     before=around[0], next=around[1])  # fmt: skip


def command(view: View) -> str:
    return joined(["python", "grade.py", "similar", str(view.desk.folder)])


class Told:
    """What was found, with numbers in place of names unless names are shown."""

    def __init__(self, view: View, found: Kept) -> None:
        self.view, self.found = view, found
        earlier = sorted((label for label, one in found.who.items() if one.earlier), key=hashed)
        self.earlier = {label: at for at, label in enumerate(earlier, 1)}

    def who(self, label: str) -> str:
        one = self.found.who.get(label)
        if self.view.names or one is None:
            return label if one is None or one.name == label else f"{one.name} ({label})"
        if label in self.earlier:
            return f"student {self.earlier[label]} of an earlier year"
        return ", ".join(self.view.called(id_) for id_ in one.people)

    def key(self, one: dict[str, Any]) -> str:
        """What stands for a pair in its address, also after the comparison was made anew."""
        return self.view.guard.alias(f"{one['pair']['left']}\n{one['pair']['right']}")

    def link(self, one: dict[str, Any]) -> str:
        return f"/similar/{self.key(one)}"

    def shown(self, one: dict[str, Any]) -> dict[str, Any]:
        """A pair without names in its texts. Pictures are left as they are."""
        hide = self.hiding(one["pair"]["left"], one["pair"]["right"])
        pictures = [(hide(left), left_image, hide(right), right_image)
                    for left, left_image, right, right_image in one["pictures"]]  # fmt: skip
        pair = one["pair"] | {"evidence": walk(one["pair"]["evidence"], hide)}
        return one | {"pair": pair, "sentence": hide(one["sentence"]), "files": walk(one["files"], hide),
                      "pictures": pictures}  # fmt: skip

    def notes(self) -> Iterator[str]:
        """The caveats. One on a submission begins with its label."""
        for note in self.found.notes:
            label, _, rest = note.partition(": ")
            yield f"{self.who(label)}: {self.hiding(label)(rest)}" if label in self.found.who else note

    def hiding(self, *labels: str) -> Callable[[str], str]:
        """A function that takes out of a text what names these people: words of a name as they are spelled, such as
        "Max" and not `max`; whole names and ids however they are spelled."""
        if self.view.names:
            return str
        whole, words = set(), set()
        for label in labels:
            one = self.found.who.get(label)
            for known in [label, one.name, *one.people] if one else []:
                whole.add(known)
            for id_ in one.people if one else ():
                whole |= self.view.known(id_)
        for name in whole:
            words |= {word for word in re.findall(r"\w+", name) if len(word) >= SHORTEST and not word.isdigit()}
        parts = [f"(?i:{either(whole)})", either({word for word in words if word[:1].isupper()})]
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(filter(None, parts))})(?!\w)")
        return lambda text: pattern.sub("…", text)


def either(texts: set[str]) -> str:
    return "|".join(re.escape(one) for one in sorted(texts, key=len, reverse=True) if len(one) >= SHORTEST) or "(?!)"


def walk(value: Any, hide: Callable[[str], str]) -> Any:
    """A document with `hide` applied to its texts."""
    if isinstance(value, dict):
        return {name: walk(part, hide) for name, part in value.items()}
    if isinstance(value, list):
        return [walk(part, hide) for part in value]
    return hide(value) if isinstance(value, str) else value
