"""One student's process: laid out, started, asked, and replaced by another when it is gone.

What is asked of it through names of the student's own is in remote.py.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import Crashed, Denied, NotImplementedYet, OutOfMemory, Raised, StudentError, TimedOut, Undecided
from grader.files import remove
from grader.model import Limits, Section, Submission
from grader.sandbox.launch import Launcher, readable, spawn
from grader.sandbox.process import DUMP, Process
from grader.sandbox.remote import MALFORMED, TRAINING, Remote, Training, arriving, as_text, travelling
from grader.sandbox.worker.wire import Handle

FORBIDDEN = "this section forbids"
ATTEMPTS = 5
MOST_ARGUMENTS = 64  # of a call, of which a reply may say that they were changed
SETTING_UP = 20.0  # CPU seconds for what stands before a training loop
PATIENCE = 4.0  # seconds on the clock for each CPU second of a training run, on a busy machine


class Session:
    """One student's modules of one section. Use as a context manager; nothing of it is left afterwards."""

    def __init__(
        self, section: Section, submission: Submission, handout: Path, limits: Limits, launch: Launcher = spawn
    ) -> None:
        self.section = section
        self.submission = submission
        self.limits = limits if section.memory is None else replace(limits, memory=section.memory)
        self.launch = launch
        self.deadline = float("inf")
        self.allowed = float("inf")  # seconds from the beginning of the check to its deadline
        self.seed: int | None = None
        self.mutated: tuple[int, ...] = ()
        self.tried: list[tuple[str, str]] = []
        self.last_words = ""
        self.peak = 0
        self.killed = False  # whether a process of this check was, from outside; see process.py
        self.folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="backgrade-")))
        self.process: Process | None = None
        self.held = ""  # what holds the student's process, as a worker found it; "" before the first call
        try:
            lay_out(section, submission, handout, self.folder)
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.stop()
        remove(self.folder)

    def start(self) -> None:
        code = self.folder / "code"
        remove(self.folder / "scratch")  # what a process left behind is nobody's to find
        (self.folder / "scratch").mkdir()
        self.process = Process(self.folder, self.limits, self.launch)
        self.process.send(
            {
                "session": str(self.folder),
                "folder": str(code),
                "path": [str(code / name) for name in sorted(places(self.section))],
                "modules": {name: Path(path).stem for name, path in self.section.modules.items()},
                "keep": dict(self.section.keep),
                "forbid": self.section.forbid,
                "torch": "torch" in self.section.needs,
                "policy": policy(self.section, self.limits, self.folder),
                "output": self.limits.output,
            }
        )

    def stop(self) -> None:
        """End the process, if there is one; what it had at most is remembered."""
        if self.process is not None:
            self.peak = self.memory()
            process, self.process = self.process, None
            process.kill()

    def renew(self) -> None:
        """End the process, and with it all that it holds; the next call starts another. What it printed stays."""
        self.last_words = self.output()
        self.stop()

    def begin(self, seed: int) -> None:
        """A new check: its own time, fresh seeds, and no object of the check before."""
        self.seed = seed
        self.allow(self.limits.check_wall)
        self.mutated = ()
        self.tried = []
        self.last_words = ""
        self.peak = 0
        self.killed = False

    def allow(self, seconds: float) -> None:
        """Set the deadline, so many seconds on the clock from now."""
        self.allowed = seconds
        self.deadline = time.monotonic() + seconds

    def used(self) -> float:
        """CPU seconds of the process so far, as the system counts them; 0 without one."""
        return self.process.used() if self.process is not None else 0.0

    def memory(self) -> int:
        """Bytes that the processes of this check had in memory at most; one that goes on counts from its start."""
        return max(self.peak, self.process.peak() if self.process is not None else 0)

    def output(self) -> str:
        """What the student's code printed since the last look, capped; paths in it as in the handout, not as here."""
        words, self.last_words = self.last_words, ""
        words += self.process.output.read(self.limits.output) if self.process is not None else ""
        return words.replace(f"{self.folder / 'code'}{os.sep}", "")

    def attempts(self) -> list[str]:
        """A sentence for each forbidden act that the student's own code tried during this check, ATTEMPTS at most."""
        said = dict.fromkeys(f"{where} {act}, which {FORBIDDEN}" for act, where in self.tried if where)
        return list(said)[:ATTEMPTS]

    def require(self, name: str) -> None:
        """Raises Undecided for a file that waits for a person, and Raised for one that cannot be imported."""
        if name in self.submission.questions:
            raise Undecided(self.submission.questions[name])
        if name in self.submission.faults:
            raise Raised(self.submission.faults[name])

    def missing(self, module: str) -> bool:
        """Whether the student writes in this module's file, and it is not in the submission."""
        name = Path(self.section.modules[module]).name
        return name in self.section.submit and name not in self.submission.files

    def train(self, order: Mapping[str, Any], arrays: Mapping[str, Any], key: str, seconds: float) -> Training:
        """Begin a training run (see worker/training.py) of at most `seconds` on the clock.

        `arrays` go as files, which the student's process may only read: a process that stopped reading its channel
        would otherwise hold us here with megabytes to send. Arrays of one `key` are the same ones.
        """
        return self.run("train", order, arrays, key, seconds)

    def notebook(self, order: Mapping[str, Any], arrays: Mapping[str, Any], key: str, seconds: float) -> Training:
        """Bring a notebook to where it trains (see worker/notebook_run.py); for the rest as `train`."""
        return self.run("notebook", order, arrays, key, seconds)

    def pretrained(
        self, order: Mapping[str, Any], pictures: Mapping[str, Any], weights: Path, seconds: float
    ) -> Training:
        """Run a notebook on `pictures` (H, W, 3) by file name, with a network's weights; worker/pretrained_run.py."""
        hub = self.folder / "data" / "hub"
        if not hub.exists():
            (hub / "checkpoints").mkdir(parents=True)
            shutil.copyfile(weights, hub / "checkpoints" / weights.name)
        files = {name: str(self.lay(f"picture-{at}", pictures[name])) for at, name in enumerate(pictures)}
        return self.begin_run("pretrained", {**order, "files": files, "hub": str(hub)}, seconds)

    def run(self, op: str, order: Mapping[str, Any], arrays: Mapping[str, Any], key: str, seconds: float) -> Training:
        files = {name: str(self.lay(f"{name}-{key}", array)) for name, array in arrays.items()}
        return self.begin_run(op, {**order, "files": files}, seconds)

    def begin_run(self, op: str, order: Mapping[str, Any], seconds: float) -> Training:
        self.allow(seconds + self.limits.call_wall)
        owner = "train" if op == "train" else Handle(0, op)
        remote = self.ask(op, owner, (), [(order,)], subject=TRAINING, more=SETTING_UP)[0]
        if not isinstance(remote, Remote):
            raise Crashed(f"{TRAINING} broke the grader's channel: no run was begun")
        return Training(self, remote._handle)

    def lay(self, name: str, array: Any) -> Path:
        """An array as a file in the session's folder; one that is there already stays."""
        path = self.folder / "data" / f"{name}.npy"
        if not path.exists():
            np.save(path, array, allow_pickle=False)
        return path

    def ask(
        self,
        op: str,
        owner: str | Handle,
        path: Sequence[str],
        batches: Sequence[Sequence[Any]],
        *,
        subject: str = "",
        more: float = 0.0,
    ) -> list[Any]:
        """Carry out one call per element of `batches` in one round trip. Raises StudentError for the first failure.

        `more` seconds are added to what a call may use, on the clock several times as many.
        """
        if isinstance(owner, str):
            self.require(Path(self.section.modules[owner]).name)
        if isinstance(owner, str) and self.missing(owner):
            raise NotImplementedYet(f"{Path(self.section.modules[owner]).name} is not in this submission")
        if self.process is None:
            self.start()
        assert self.process is not None
        travellers = [tuple(travelling(arg) for arg in args) for args in batches]
        request = {"seed": self.seed, "op": op, "owner": owner, "path": list(path), "batches": travellers}
        wall, left = self.limits.call_wall + PATIENCE * more, self.deadline - time.monotonic()
        cpu = self.limits.call_cpu + more
        subject = subject or (".".join(path) if not isinstance(owner, str) or path else owner)
        try:
            self.held = self.process.greeting()
            results = self.read_reply(
                self.process.exchange(request, min(wall, left), cpu, subject), len(travellers), subject
            )
        except (TimedOut, OutOfMemory, Crashed) as error:
            if isinstance(error, TimedOut) and time.monotonic() >= self.deadline:
                error.message = f"{subject} was stopped: the {self.allowed:.3g} s for the whole check were used up"
            error.where = error.where or self.process.last_frame(self.section)
            self.bury()
            raise
        except StudentError:
            raise
        except BaseException:
            self.stop()  # a fault of ours, or an interrupt: the next call gets another process
            raise
        self.seed = None
        return results

    def bury(self) -> None:
        """End a process that is of no use any more; of what it printed, its stack is not the student's words."""
        process = self.process
        self.stop()
        if process is not None:
            self.killed = self.killed or process.killed
            words = process.output.read(self.limits.output).partition(DUMP)[0]
            self.last_words = words.removesuffix("Fatal Python error: Segmentation fault\n\n")

    def read_reply(self, reply: Any, asked: int, subject: str) -> list[Any]:
        """The values of a well-formed reply; raises the StudentError that a result tells of, Crashed for all else."""
        try:
            results = [
                (result.get("value"), result.get("error"), result.get("mutated", ())) for result in reply["results"]
            ]
            self.tried += [(as_text(act, 80), as_text(where, 80)) for act, where in reply["tried"][:20]]
            mutated = [tuple(map(int, positions[:MOST_ARGUMENTS])) for _, _, positions in results]
        except MALFORMED:
            raise Crashed(f"{subject} broke the grader's channel: its reply is not one") from None
        for _, error, _ in results:
            if error is not None:
                raise student_error(error, subject)
        if len(results) != asked:
            raise Crashed(f"{subject} broke the grader's channel: {len(results)} of {asked} answers came back")
        self.mutated = mutated[-1] if mutated else ()
        return [arriving(value, self) for value, _, _ in results]


def policy(section: Section, limits: Limits, folder: Path) -> dict[str, Any]:
    """What the worker may read, write and use; see worker/confine.py."""
    reads, lists = readable(section.forbid)
    return {
        "read": (*reads, str(folder / "code"), str(folder / "data")),
        "list": lists,
        "write": (str(folder / "scratch"),),
        "memory": limits.memory,
    }


def folders(section: Section) -> set[str]:
    """The handout's folders that the section's modules lie in."""
    return {Path(path).parent.as_posix() for path in section.modules.values()}


def places(section: Section) -> set[str]:
    """Where a student's modules are looked for: the handout's folders, or of a section without modules the only one."""
    return folders(section) or {"."}


def lay_out(section: Section, submission: Submission, handout: Path, folder: Path) -> None:
    """The pristine handout's Python files with the student's own over them, and beside those what they import besides.
    No data and no fixture is laid there."""
    (folder / "scratch").mkdir()
    (folder / "data").mkdir()
    for parent in folders(section):
        target = folder / "code" / parent
        target.mkdir(parents=True)
        for source in sorted((handout / parent).glob("*.py")):
            shutil.copyfile(source, target / source.name)
    for path in section.modules.values():
        name = Path(path).name
        if name in section.submit and name in submission.files:
            (folder / "code" / path).write_bytes(submission.files[name])
    homes = {Path(path).name: Path(path).parent for path in section.modules.values()}
    for name, own in submission.helpers.items():
        if name in section.submit:
            lay_helpers(own, folder / "code" / homes.get(name, ""))


def lay_helpers(own: Mapping[str, bytes], home: Path) -> None:
    """A student's other modules beside the file that imports them; none takes the place of the handout's."""
    for path, content in own.items():
        if not (home / path).exists():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(content)


def student_error(error: Any, subject: str) -> StudentError:
    """The StudentError for a worker's description of an exception: the student's word, which earns nothing."""
    if not isinstance(error, Mapping):
        return Crashed(f"{subject} broke the grader's channel: its reply is not one")
    kind, type_, text, where = (as_text(error.get(key), 600) for key in ("kind", "type", "text", "where"))
    importing = as_text(error.get("importing"), 80)
    doing = f"{importing}.py cannot be imported: it" if importing else subject
    if kind == "denied":
        return Denied(f"{doing} {text}, which {FORBIDDEN}", where=where)
    if kind == "memory":
        if torchs := re.search(r"alloc\w{0,20}\.cpp.*tried to allocate (\d{1,15}) bytes", text):
            text = f"{int(torchs[1]) >> 20} MiB at once"
        return OutOfMemory(f"{doing} asked for more memory than it may have{f': {text}' if text else ''}", where=where)
    if kind == "not implemented":
        return NotImplementedYet("not implemented yet", where=where)
    if kind == "absent":
        return NotImplementedYet(text)
    if kind == "exit":
        return Raised(f"{doing} called sys.exit(); a graded function has to return", where=where)
    if kind == "unspeakable":
        return Raised(f"{doing} returned something that cannot be graded: {text}", where=where)
    return Raised(f"{doing} raised {type_}{f': {text}' if text else ''}", where=where)
