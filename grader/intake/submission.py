"""What was handed in -> Submission: of the files that archive.py finds, those that count, by base name."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from grader.errors import SubmissionError
from grader.intake.archive import ENDING, FILE, Found, Names, Search, basename, members, plain, printable
from grader.intake.unpack import MIB
from grader.model import Submission


def read(
    path: Path,
    wanted: Sequence[str],
    stubs: Mapping[str, bytes],
    *,
    name: str | None = None,
    parts: Sequence[tuple[str, Path]] = (),
) -> Submission:
    """The submission at `path`. `stubs` are the handout's own versions: of two candidates, the one that differs counts.

    A wanted "*.jpg" stands for every file of this ending, however it is called: at most archive.BESIDE are taken, and
    none has to be there. With `parts`, it is these files (the student's name for each, and where it lies) side by side
    in the folder `path`.
    Raises SubmissionError when `path` cannot be read, holds nothing that is wanted, or holds two different versions of
    one file. What can be graded without is a sentence in `notes`.
    """
    notes: list[str] = []
    files_there = side_by_side(parts, wanted, notes) if parts else members(path, wanted, notes)
    named = [base for base in wanted if not base.startswith("*")]
    beside: dict[str, Found] = {}
    found = group(without(files_there, Names(wanted), beside), named, stubs, notes)
    holds = holding(path, parts)
    chosen = {base: choose(base, found[base], stubs, holds) for base in named if base in found}
    files = {base: file.content for base, file in chosen.items() if file.content is not None}
    for base, file in chosen.items():
        if file.content is None:
            notes.append(f"{file.path} is larger than {FILE // MIB} MiB and was not read; hand in a smaller {base}")
    if not files:
        why, listed = next(iter(notes), ""), ", ".join(named)
        if len(parts) == 1 and why.startswith(str(parts[0][1])):
            raise SubmissionError(why)  # all there is to say of a lone file
        detail = f"; {why}" if why and listed not in why else ""
        raise SubmissionError(f"{holds} none of {listed}; hand in a folder, zip or tar of them{detail}")
    missing = [base for base in named if base not in chosen]
    if missing:
        notes.append(f"not in this submission: {', '.join(missing)}")
    chosen |= beside
    files |= {base: file.content for base, file in beside.items() if file.content is not None}
    return Submission(
        name=name or title(path),
        files=files,
        origin={base: chosen[base].path for base in files},
        digest=digest(files),
        notes=tuple(notes),
    )


def stubs(handout: Mapping[str, bytes], wanted: Collection[str]) -> dict[str, bytes]:
    """The handout's own version of each file that a student writes in."""
    return {basename(path): content for path, content in handout.items() if basename(path) in wanted}


def title(path: Path) -> str:
    """The submission's name: its folder's or archive's, without endings."""
    name = path.absolute().name if path.name != ".." else path.resolve().name
    return printable(ENDING.sub("", name) or name)


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256, shortened, of names and contents: the same work has the same digest, however it was packed."""
    total = hashlib.sha256()
    for base in sorted(files):
        total.update(f"{base} {hashlib.sha256(files[base]).hexdigest()}\n".encode())
    return total.hexdigest()[:16]


def holding(path: Path, parts: Sequence[tuple[str, Path]]) -> str:
    """How a sentence on a submission begins; of files side by side it names them, for the folder is a whole class's."""
    names = [printable(part.name) for _, part in parts]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3]) or path}{more} hold{'s' * (len(names) < 2)}"


def side_by_side(parts: Sequence[tuple[str, Path]], wanted: Collection[str], notes: list[str]) -> Iterator[Found]:
    """The wanted files among `parts`, of two with one name the later; with none, those of the last part with any."""
    search = Search(wanted, notes)
    fitting = [(name, path) for name, path in parts if search.fits(name)]
    latest = {plain(basename(name)) if search.names.named(name) else name: (name, path) for name, path in fitting}
    for name, path in latest.values():
        yield from members(path, wanted, notes, name=basename(name))
    for _, path in () if any(map(search.names.named, latest)) else reversed(parts):
        try:
            found = list(members(path, wanted, notes))
        except SubmissionError as error:
            search.note(str(error))  # one of several need not be the work
            continue
        if search.any_named(found):
            yield from found
            return


# Which of the files


def group(
    files: Iterable[Found], wanted: Collection[str], stubs: Mapping[str, bytes], notes: list[str]
) -> dict[str, list[Found]]:
    """The files of each wanted name. A name that is nearly right counts where the right one is absent, and is noted; of
    those that are far from it, one alone."""
    names = Names(wanted)
    found: dict[str, dict[int, list[Found]]] = {}
    for file in files:
        base = names.name_of(file.path)
        if base is not None:
            found.setdefault(base, {}).setdefault(distance(basename(file.path), base), []).append(file)
    chosen: dict[str, list[Found]] = {}
    for base, candidates in found.items():
        far = min(candidates)
        listed = " and ".join(file.path for file in candidates[far][:3])
        if far == 2 and len({lines(file.content) for file in candidates[far]} - {lines(stubs.get(base))}) > 1:
            notes.append(f"{listed} may each be {base}, so none was taken; leave the one that counts")
            continue
        chosen[base] = candidates[far]
        if far:
            notes.append(f"{candidates[far][0].path} was taken as {base}")
    return chosen


def distance(base: str, wanted: str) -> int:
    """Of a file's name from the wanted one: 0 none, 1 what a browser or a file system adds, 2 more than that."""
    return 0 if base == wanted else 1 if wanted.lower() in (base.lower(), plain(base)) else 2


def without(files: Iterable[Found], names: Names, beside: dict[str, Found]) -> Iterator[Found]:
    """The files that are wanted by name; the others go into `beside`, by their own. Of two the first counts."""
    for file in files:
        if names.named(file.path):
            yield file
        elif file.content is not None:
            beside.setdefault(printable(basename(file.path)), file)


def choose(base: str, files: Sequence[Found], stubs: Mapping[str, bytes], holds: str) -> Found:
    """The one that counts. Raises SubmissionError for two that differ from each other and from the stub."""
    stub = lines(stubs.get(base, b""))
    distinct = {lines(file.content): file for file in reversed(files)}
    own = [file for content, file in distinct.items() if content != stub]
    if len(own) > 1:
        listed = ", ".join(sorted(file.path for file in own)[:6])
        raise SubmissionError(f"{holds} {len(own)} different {base}: {listed}; leave the one that counts")
    return own[0] if own else files[0]


def lines(content: bytes | None) -> bytes | None:
    """Content by which copies are compared: line endings are not a difference."""
    return None if content is None else content.replace(b"\r\n", b"\n")
