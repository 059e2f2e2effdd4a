"""Which wanted file a name stands for, and how near it is. Marks that systems add to copies and downloads are removed.

choice.py applies this rule. The exact name counts; otherwise the nearest name, if only one file has it. A Python
file whose name merely contains the wanted name counts if it defines what the handout's file defines. An empty or
unchanged file never beats one with work. Two different candidates are a question for a person; so is a copy that can be
read beside a file that cannot.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import unquote

LONGEST = 200  # characters; longer names match nothing
# How far a name is: the same; in other letters (case, accents); with a system's marks; inside a longer name.
EXACT, WRITTEN, MARKED, HOLDS = range(4)


def basename(name: str) -> str:
    """The last part of a path as any system writes it."""
    return PurePosixPath(name.replace("\\", "/")).name


def folded(text: str) -> str:
    """The text without differences in spelling: case, accents, widths, invisible characters."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        seen = "".join(char for char in apart if unicodedata.category(char) not in ("Mn", "Cf"))
        text = unicodedata.normalize("NFKC", seen)
    return re.sub(r"([\W_])\1{3,}", r"\1\1\1", re.sub(r"\s+", " ", text)).casefold().strip()


# Endings that a browser, an editor or a cloud service adds to a name, or puts in place of its own ending.
ENDINGS = tuple(
    ".py .ipynb .txt .text .json .html .htm .download .icloud .bak .backup .orig .old .tmp .save .crdownload .part "
    ".partial .pyc .pyw .py3 .python .md .rtf .doc .docx .odt .pages .pdf .webarchive .lnk .url .webloc .alias "
    "~ ,py _py -py .".split()
)
# Words for "copy" before or after a name: Windows, macOS, Linux desktops, Google Drive, Colab, OneDrive.
COPY = (
    "copy|duplicate|kopie|copie|copia|cópia|còpia|kopia|kopi|kopio|kopija|kópia|koopia|kopya|kopyası|másolat|"
    "másolata|копия|копія|копие|копија|αντίγραφο|副本|複本|复本|拷贝|拷貝|複製|复制|コピー|"
    "복사본|사본|bản sao|salinan|สำเนา|प्रतिलिपि|नकल|עותק|نسخة|نسخه|afschrift|doublon|duplicat|"
    "duplikat|duplicado|duplicata|dubletter"
)
OF = "of|von|de la|de|du|d'|di|da|do|van|av|af|z|od|pentru|din|iz|из|от|από|của|dari|ของ|מ|של|من|～|〜|~"
SEPARATOR = r"[\s_\-\u2013\u2014.]*"
MACHINE = r"(?:desktop|laptop|macbook|imac|surface|win|pc|mbp)[\w-]*|[\w-]*(?:-pc|macbook[\w-]*|-laptop|-desktop)"


PLAIN = re.compile(r"[a-z]+(?:_[a-z]+)*(?:\.[a-z]+)?")  # a name with a mark only if it holds one of these words
WORDS = tuple(word for word in (*COPY.split("|"), "conflict") if word.isascii())


def is_unmarked(name: str) -> bool:
    """Whether no mark can be in a name, told without the patterns of `marks`, which take long to compile."""
    return bool(PLAIN.fullmatch(name)) and not any(word in name for word in WORDS)


@cache
def marks() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of the marks that systems put before and after a name. Compiled only when a name needs them."""
    copy, of = (
        "|".join(sorted((re.escape(folded(word)) for word in words.split("|")), key=len, reverse=True))
        for words in (COPY, OF)
    )
    before = re.compile(
        rf"^(?:(?:{copy}){SEPARATOR}(?:\(\d+\)|\d+)?{SEPARATOR}(?:(?:{of})(?:\s+|(?=[\"'“”]))|(?:d'))?{SEPARATOR}"
        r"|\._|[\s.\"'“”‘«#_-]+|\d+[.)_\s-]+)"
    )
    behind = re.compile(
        rf"(?:\s*[(\[{{][^()\[\]{{}}]*[)\]}}]"  # (1), [1], (Ada's conflicted copy 2026-11-20)
        rf"|{SEPARATOR}(?:の|의|的|की )?{SEPARATOR}(?:{copy}){SEPARATOR}\d*"  # - Copy, copy 2, -Copy1, のコピー
        rf"|[\s_\-.#]+v?\d+"  # -1, _1, " 2", .1
        rf"|[._-](?:sync-)?conflict(?:ed)?[\w.-]*"  # Syncthing, ownCloud
        rf"|-(?:{MACHINE})"  # OneDrive: the computer's name
        r"|[\s_\-.\"'“”’»#]+)$"
    )
    return before, behind


def forms(base: str) -> Iterator[str]:
    """Yield the name without its ending, then without each mark that a system may have added."""
    waiting, seen = [folded(unquote(base, errors="replace"))], set[str]()
    while waiting and len(seen) < 200:
        name = waiting.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        yield name
        waiting += [name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)]
        if is_unmarked(name):
            continue
        before, behind = marks()
        waiting += [name[: found.start()] for found in [behind.search(name)] if found]
        waiting += [name[found.end() :] for found in [before.match(name)] if found and found.end()]


def squeezed(stem: str) -> str:
    """The letters and digits alone: HeadCount, head-count and head_count become equal."""
    return re.sub(r"[\W_]+", "", folded(stem))


def distances(base: str, wanted: Collection[str]) -> dict[str, int]:
    """The wanted names that a file's name may stand for, each with how far it is from it."""
    if base in wanted:
        return {base: EXACT}
    bare = squeezed(unquote(base[:LONGEST], errors="replace"))
    if len(base) > LONGEST or not any(squeezed(name.rpartition(".")[0]) in bare for name in wanted):
        return {}
    written = folded(base).rstrip(" .")
    alike = {name: WRITTEN for name in wanted if folded(name) == written}
    if alike:
        return alike
    found = {squeezed(form) for form in forms(base)}
    marked = {name: MARKED for name in wanted if squeezed(name.rpartition(".")[0]) in found}
    if marked:
        return prefer(base, marked)
    held = {name: HOLDS for name in wanted if loosely(name).search(folded(base))}
    return prefer(base, held)


def prefer(base: str, found: dict[str, int]) -> dict[str, int]:
    """If both part1.py and part1.ipynb are wanted, keep the one with the file's own ending."""
    ending = re.findall(r"\.(?:py|ipynb)", folded(base))
    same = {name: far for name, far in found.items() if ending and name.endswith(ending[0])}
    return same or found


def loosely(wanted: str) -> re.Pattern[str]:
    """A pattern for longer names that contain the wanted one: "hw3_Part-1_final.ipynb", "ada_layers_v2.py"."""
    stem, _, ending = folded(wanted).rpartition(".")
    words = re.sub(r"(?<!\d)(?=\d+$)|_", r"[\\W_]{0,3}", re.escape(stem))
    before = "" if ending == "ipynb" else r"(?<![a-z])"
    return re.compile(rf"{before}{words}(?![a-z\d])" if stem[-1:].isdigit() else rf"{before}{words}(?![a-z])")


def in_cells(base: str) -> str:
    """The name of the notebook that may stand for a script."""
    return f"{base.removesuffix('.py')}.ipynb"
