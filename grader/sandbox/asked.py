"""Records which files of a submission a check read: while they stay the same, so does its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

NAMES = "*"  # stands for the list of a submission's files, which whoever goes through it has looked at


class Asked(Mapping[str, bytes]):
    """A submission's files by base name. `names` are those that somebody asked for since it was last cleared, whether
    they are there or not."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> bytes:
        self.names.add(name)
        return self.files[name]

    def __iter__(self) -> Iterator[str]:
        self.names.add(NAMES)
        return iter(self.files)

    def __len__(self) -> int:
        self.names.add(NAMES)
        return len(self.files)
