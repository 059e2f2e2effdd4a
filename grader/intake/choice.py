"""In a reader, makes a Submission of what was handed in: picks a file for each wanted name from those that archive.py
finds.

match.py states the rule. If the rule does not decide, the file becomes a question, and its points wait until a person
answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from grader.errors import SubmissionError
from grader.intake import helpers, repair
from grader.intake.archive import ENDING, FILE, NOTEBOOK, Found, Search, members, printable
from grader.intake.match import EXACT, HOLDS, MARKED, WRITTEN, basename, folded, in_cells
from grader.intake.newer import Newer
from grader.intake.repair import Repaired, code_of, decoded, defines, essence, is_cut, is_notebook, kind_of
from grader.intake.source import definitions
from grader.intake.unpack import MIB
from grader.model import Submission, Take
from grader.sandbox.reader import Tell

ALIKE = 0.5  # a file that defines this share of what the handout's file defines is recognised by its content
IMPORTED = re.compile(r"^from\s+\S+\s+import\s+(\([^)]*\)|[^\n]*)", re.MULTILINE)
LISTED = 6  # most files that a question names


def read(
    tell: Tell,
    path: Path,
    wanted: Sequence[str],
    stubs: Mapping[str, bytes],
    name: str | None,
    parts: Sequence[tuple[str, Path]],
    takes: Collection[Take],
    known: Mapping[str, str],
) -> tuple[Submission, tuple[str, ...]]:
    """The submission, and the texts that a newer Python's parser must still be asked about. `known` is what that parser
    has said of other texts."""
    notes: list[str] = []
    newer = Newer(known)
    search = Search(wanted, notes, {take.file for take in takes}, tell)
    there = search.finished(side_by_side(parts, search) if parts else members(path, search))
    picked = pick_all(there, search, stubs, {take.name: take for take in takes})
    beside = by_ending(there, search, picked.values())
    questions = {base: choice.question for base, choice in picked.items() if choice.question}
    notes += [note for choice in picked.values() for note in choice.notes]
    repaired = {base: repaired_file(tell, base, choice.file, newer) for base, choice in picked.items() if choice.file}
    notes += [note for one in repaired.values() for note in one.notes]
    questions |= {base: one.question for base, one in repaired.items() if one.question}
    contents = {base: one.content for base, one in repaired.items()}
    files = contents | {base: file.content for base, file in beside.items() if file.content is not None}
    if not contents and not questions:
        raise nothing_to_grade(path, parts, search)
    if missing := [base for base in search.names.names if base not in contents and base not in questions]:
        notes.append(f"not in this submission: {', '.join(missing)}")
    origin = {base: choice.file.path for base, choice in picked.items() if choice.file}
    origin |= {base: file.path for base, file in beside.items()}
    empty = [origin[base] for base, content in contents.items() if not content.strip()]
    notes += [f"{path} is empty; save it, and hand it in again" for path in empty]
    own, told, asked = helpers.gather(tell, contents, origin, there, stubs, newer)
    faults = {base: one.fault for base, one in repaired.items() if one.fault}
    submission = Submission(
        name=name or title(path),
        files=files,
        origin=origin,
        digest=digest(files | helpers.flat(own)),
        notes=(*notes, *told),
        helpers=own,
        questions=helpers.spread(asked | questions, files),
        faults=helpers.spread(faults, files),
        there=tuple(search.there),
        lines=lines_of(tell, contents, origin),
    )
    return submission, tuple(newer.asked)


def lines_of(tell: Tell, contents: Mapping[str, bytes], origin: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """The lines of the definitions in each file that has some."""
    found: dict[str, dict[str, int]] = {}
    for base, content in contents.items():
        tell(origin[base])
        if lines := definitions(base, content):
            found[base] = lines
    return found


def title(path: Path) -> str:
    """The submission's name: that of its folder or archive, without endings."""
    name = path.absolute().name if path.name != ".." else path.resolve().name
    return printable(ENDING.sub("", name) or name)


def digest(files: Mapping[str, bytes]) -> str:
    """A shortened SHA-256 of names and contents: the same work has the same digest, however it was packed."""
    total = hashlib.sha256()
    for base in sorted(files):
        total.update(f"{base} {hashlib.sha256(files[base]).hexdigest()}\n".encode())
    return total.hexdigest()[:16]


def nothing_to_grade(path: Path, parts: Sequence[tuple[str, Path]], search: Search) -> SubmissionError:
    """The error for a submission that holds nothing to grade."""
    why, listed = next(iter(search.notes), ""), ", ".join(search.names.names)
    if len(parts) == 1 and why.startswith(str(parts[0][1])):
        return SubmissionError(why)  # for a single file, the note says it all
    detail = f"; {why}" if why and f"one of {listed}" not in why else ""
    return SubmissionError(f"{holding(path, parts)} none of {listed}; hand in a folder, zip or tar of them{detail}")


def holding(path: Path, parts: Sequence[tuple[str, Path]]) -> str:
    """How a sentence on a submission begins. It names `parts`, because their folder holds a whole class."""
    names = [printable(part.name) for _, part in parts]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3]) or path}{more} hold{'s' * (len(names) < 2)}"


def side_by_side(parts: Sequence[tuple[str, Path]], search: Search) -> list[Found]:
    """The files in all of `parts`, each with the position of its part: later parts were handed in later."""
    found: list[Found] = []
    for at, (name, path) in enumerate(parts):
        try:
            inside = members(path, search, name=basename(name))
        except SubmissionError as error:
            search.skip(str(error))  # another part may hold the work
            continue
        search.there += [] if len(inside) != 1 or inside[0].path in search.there else [inside[0].path]
        found += [replace(file, part=at) for file in inside]
    return found


# Which of the files


@dataclass(frozen=True, slots=True)
class Choice:
    """The file that counts for a wanted name, or None; the question for a person; notes for the report."""

    file: Found | None = None
    question: str = ""
    notes: tuple[str, ...] = ()


class Candidate(NamedTuple):
    """A file that may be a wanted one. `far` is how far its name is from the wanted name, as match.py tells."""

    far: int
    file: Found


def pick_all(
    found: Sequence[Found], search: Search, stubs: Mapping[str, bytes], takes: Mapping[str, Take]
) -> dict[str, Choice]:
    """A choice for each wanted name that has a file, a question or a note."""
    picked = {base: taken(takes[base], found) for base in search.names.names if base in takes}
    candidates: dict[str, list[Candidate]] = {}
    used = {take.file for take in takes.values()}
    for file in found:
        own = basename(file.path)
        if file.path in used and not (own in stubs and shows(file, own, stubs) and fills(file, own, stubs)):
            continue  # a script that was taken for another one counts under its own name, too, if it holds both
        search.tell(file.path)
        for base, far in meant(file, search, stubs).items():
            essence(file.content)  # kept, so what it takes is this file's time
            candidates.setdefault(base, []).append(Candidate(far, file))
    some = bool(candidates or picked)  # if nothing was found, `nothing_to_grade` says so
    for base in search.names.names:
        if base not in picked:
            unread = [*filter(None, [search.left.get(base)]), *search.unread] if some else []
            choice = pick(base, candidates.get(base, []), stubs, unread)
            if choice.file or choice.question or choice.notes:
                picked[base] = choice
    return by_content(picked, found, search, stubs, takes)


def taken(take: Take, found: Iterable[Found]) -> Choice:
    """The choice that a person made."""
    files = [file for file in found if file.path == take.file and file.content is not None]
    if not files:
        return Choice(question=f"{take.file}, which {take.author} took as {take.name}, is not in this submission")
    return Choice(files[-1], notes=(f"{take.file} was taken as {take.name} by {take.author}, because: {take.why}",))


def meant(file: Found, search: Search, stubs: Mapping[str, bytes]) -> dict[str, int]:
    """The wanted names that a file may stand for, each with its distance. If there are several, only the one whose
    functions the file defines."""
    distances = search.names.distances(file.name)
    if len(distances) < 2:
        return distances
    told = {base: far for base, far in distances.items() if base.endswith(".py") and shows(file, base, stubs)}
    return told if len(told) == 1 else {}


def qualifies(base: str, candidate: Candidate, stubs: Mapping[str, bytes]) -> bool:
    """Whether a file may count as the wanted one, by its name and, if that is far, by its content."""
    far, file = candidate
    if far <= WRITTEN or file.content is None:
        return far <= MARKED
    own = folded(basename(file.name)).endswith(f".{base.rpartition('.')[2]}")
    if base.endswith(".ipynb"):
        return own or is_notebook(file.content)
    return (own and far == MARKED) or shows(file, base, stubs)


def shows(file: Found, base: str, stubs: Mapping[str, bytes]) -> bool:
    """Whether a file defines enough of what the handout's file of that name defines."""
    expected = defines(stubs.get(base, b""))
    return bool(expected) and len(expected & defines(file.content or b"")) >= ALIKE * len(expected)


def works(file: Found, base: str, stubs: Mapping[str, bytes]) -> bool:
    """Whether a file holds work: text that is neither empty nor as it was handed out."""
    return is_other(file, essences(stubs.get(name) for name in (base, in_cells(base))))


def is_other(file: Found, known: Collection[bytes | None]) -> bool:
    """Whether a file is whole text, and its essence is not among those that are known."""
    return (
        file.content is not None
        and kind_of(file.content) is None
        and not is_cut(file.content)
        and essence(file.content) not in known
    )


def essences(handed_out: Iterable[bytes | None]) -> frozenset[bytes | None]:
    """What a file with work differs from: nothing at all, and what was handed out."""
    return frozenset((b"", *map(essence, handed_out)))


def changes(file: Found, base: str, stubs: Mapping[str, bytes]) -> bool:
    """Whether a file's code is another than the handout's, and not its comments, its layout or its text alone."""
    own = code_of(file.content or b"")
    return own not in map(code_of, (b"#", *(stubs.get(name, b"") for name in (base, in_cells(base)))))


def no_work(file: Found) -> str:
    """What a file holds in place of work, such as a web page; "" if it can be read."""
    content = file.content or b""
    return kind_of(content) or ("a notebook that is cut off; hand in the whole one" if is_cut(content) else "")


def pick(base: str, candidates: Sequence[Candidate], stubs: Mapping[str, bytes], unread: Sequence[str]) -> Choice:
    """The candidate that counts, or a question."""
    fit = sorted((one for one in candidates if qualifies(base, one, stubs)), key=lambda one: one.far)
    filled = [one for one in fit if works(one.file, base, stubs)]
    filled = [one for one in filled if not one.file.aside] or filled
    filled = [one for one in filled if len(filled) == 1 or changes(one.file, base, stubs)] or filled
    least = min((one.far for one in filled), default=HOLDS + 1)
    if large := next((one.file.path for one in fit if one.far < least and one.file.content is None), ""):
        most = (NOTEBOOK if base.endswith(".ipynb") else FILE) // MIB
        return Choice(question=f"{large} is larger than {most} MiB and was not read; hand in a smaller {base}")
    if filled:
        return nearest(base, filled, fit, stubs)
    odd = [one for one in candidates if one.far <= MARKED and no_work(one.file)]
    if odd and all(one.far > EXACT for one in odd):
        return Choice(question=f"{odd[0].file.path} may be {base}, but is {no_work(odd[0].file)}")
    if unread:
        return Choice(question=f"{base} may be in a file that could not be opened: {unread[0]}")
    for one in fit:
        if one not in odd or one.far == EXACT:
            return Choice(one.file, notes=said(base, one, ""))
    others = [one.file.path for one in candidates if one not in fit]
    notes = [f"{path} was not taken as {base}, because it defines none of its functions" for path in others]
    return Choice(notes=tuple(notes[:3]))


def nearest(base: str, filled: Sequence[Candidate], fit: Sequence[Candidate], stubs: Mapping[str, bytes]) -> Choice:
    """The file in the newest attachment whose name is nearest; a question if there are two, and they differ."""
    near = [one for one in filled if one.far < HOLDS] or list(filled)
    newest = max(one.file.part for one in near)
    near = [one for one in near if one.file.part == newest]
    least = min(one.far for one in near)
    near = [one for one in near if one.far == least]
    distinct = {essence(one.file.content): one.file for one in reversed(near)}
    if len(distinct) > 1:
        several = f"{len(distinct)} different files may be {base}: {listed(distinct.values())}"
        return Choice(question=f"{several}; leave the one that counts")
    chosen = near[0]
    if len(filled) > 1 and (broken := unusable(chosen.file, base, stubs)):
        usable = [one.file for one in filled if not unusable(one.file, base, stubs)]
        if usable:
            return Choice(
                question=f"{chosen.file.path} {broken}, and {listed(usable)} may be it; leave the one that counts"
            )
    others = {essence(one.file.content): one.file.path for one in filled if essence(one.file.content) not in distinct}
    passed = [f"{path} was not taken, because {chosen.file.path} counts as {base}" for path in others.values()]
    nearer = (one for one in fit if one.far < chosen.far)
    untouched = next((one.file.path for one in nearer if one not in filled), "")
    why = f", since {untouched} holds no work" if untouched else ""
    return Choice(chosen.file, notes=(*said(base, chosen, why), *passed[:3]))


def unusable(file: Found, base: str, stubs: Mapping[str, bytes]) -> str:
    """Why a file cannot be the wanted script `base`, or ""."""
    content = file.content or b""
    expected = defines(stubs.get(base, b""))
    if not base.endswith(".py") or not expected:
        return ""
    if expected.isdisjoint(defines(content)) and not imports_any(content, expected):
        return f"defines nothing that {base} should"
    readable = repair.parses(repair.script(content, base, file.path, lambda text: "").content)
    return "" if readable else "cannot be read as Python"


def imports_any(content: bytes, names: Collection[str]) -> bool:
    """Whether a script imports one of these names, or all of another file's."""
    taken = " ".join(IMPORTED.findall(decoded(content)[0]))
    return "*" in taken or not set(names).isdisjoint(re.findall(r"\w+", taken))


def said(base: str, taken: Candidate, why: str) -> tuple[str, ...]:
    """The note on a file that was taken though its name is another one."""
    return (f"{taken.file.path} was taken as {base}{why}",) if taken.far > EXACT else ()


def listed(files: Iterable[Found]) -> str:
    names = sorted(file.path for file in files)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"


def by_content(
    picked: dict[str, Choice],
    found: Sequence[Found],
    search: Search,
    stubs: Mapping[str, bytes],
    takes: Collection[str],
) -> dict[str, Choice]:
    """Add questions for wanted names that no file with work has, or only one that looks like another wanted file. There
    is a question if a file of another name looks like the wanted one."""
    taken_files = {choice.file.path for choice in picked.values() if choice.file}
    asked: dict[str, Choice] = {}
    others: list[Found] | None = None
    for base in search.names.names:
        choice = picked.get(base, Choice())
        if base not in stubs or choice.question or base in takes or (choice.file and fills(choice.file, base, stubs)):
            continue
        others = list(with_work(found, search, stubs)) if others is None else others
        free = [file for file in others if file.path not in taken_files and basename(file.path) not in stubs]
        same = [file for file in free if alike(file, base, stubs)]
        if same := same or [
            file for file in others if file != choice.file and holds_another(file, base, basename(file.name), stubs)
        ]:
            one = "its content looks" if len({essence(file.content) for file in same}) == 1 else "their contents look"
            asked[base] = Choice(question=f"{listed(same)} may be {base}, because {one} like it; hand it in as {base}")
    return picked | asked


def with_work(found: Iterable[Found], search: Search, stubs: Mapping[str, bytes]) -> Iterator[Found]:
    """Those that hold code which is not as it was handed out."""
    known = essences(stubs.values())
    for file in found:
        if search.names.code(file.path):
            search.tell(file.path)
            if is_other(file, known):
                yield file


def fills(file: Found, base: str, stubs: Mapping[str, bytes]) -> bool:
    """Whether a file holds work on the wanted file `base`, and is no other wanted script under its name."""
    if base.endswith(".ipynb") or not works(file, base, stubs):
        return works(file, base, stubs)
    others = [other for other in stubs if holds_another(file, other, base, stubs)]
    return not any(only_in(base, other, stubs).isdisjoint(defines(file.content or b"")) for other in others)


def holds_another(file: Found, base: str, own: str, stubs: Mapping[str, bytes]) -> bool:
    """Whether a file that has the name `own` defines most of what the wanted script `base` does, and `own` does not."""
    expected = only_in(base, own, stubs) if base.endswith(".py") else frozenset()
    return len(expected & defines(file.content or b"")) >= ALIKE * len(expected) > 0


def only_in(base: str, other: str, stubs: Mapping[str, bytes]) -> frozenset[str]:
    """What the handout defines in the script `base` and not in `other`."""
    return defines(stubs[base]) - defines(stubs.get(other, b""))


def alike(file: Found, base: str, stubs: Mapping[str, bytes]) -> bool:
    """Whether a file of any name looks like the handout's file `base`, filled in."""
    if base.endswith(".py"):
        return shows(file, base, stubs)
    if file.content is None:
        return False
    expected = {line.strip() for cell in repair.cells(stubs[base]) for line in cell.splitlines() if line.strip()}
    notebook = is_notebook(file.content)
    lines = "\n".join(repair.cells(file.content)) if notebook else repair.decoded(file.content)[0]
    held = expected & {line.strip() for line in lines.splitlines()}
    return len(expected) > 3 and len(held) >= ALIKE * len(expected)


def by_ending(found: Iterable[Found], search: Search, picked: Iterable[Choice]) -> dict[str, Found]:
    """The files with a wanted ending, by their own names. Of two with the same name, the first counts."""
    taken_files = [choice.file for choice in picked if choice.file]
    beside: dict[str, Found] = {}
    for file in found:
        if search.names.beside(file.path) and file.content is not None and file not in taken_files:
            beside.setdefault(printable(PurePosixPath(basename(file.path)).name), file)
    return beside


def repaired_file(tell: Tell, base: str, file: Found, newer: Newer) -> Repaired:
    """The file in the form that is graded."""
    tell(file.path)
    if base.endswith(".ipynb"):
        return repair.notebook(file.content or b"", base, file.path)
    return repair.script(file.content or b"", base, file.path, newer)
