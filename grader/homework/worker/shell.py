"""Runs a notebook's statements as Jupyter does: `await`, `%run`, threads. Input is empty and sleeps are short."""

from __future__ import annotations

import ast
import asyncio
import builtins
import concurrent.futures
import inspect
import multiprocessing
import multiprocessing.dummy
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures.thread import _worker as pool_worker
from pathlib import Path
from types import CodeType
from typing import Any

import torch

from . import cuda, notebook
from .pools import Pool
from .replaced import Mute, replace

LONGEST_SLEEP = 0.01  # seconds
GRACE = 1.0  # seconds in which a daemon thread must take its first step
RUNS_CODE = frozenset(("time", "timeit", "prun", "capture", "memit"))
OPTION = re.compile(r"\s*-\w+(\s+|$)")


class Shell:
    """A notebook's `names`, and methods that run its statements. `failed` gets exceptions in the notebook's threads."""

    def __init__(self, failed: Callable[[Exception], None] = lambda error: None) -> None:
        self.failed = failed
        self.threads: list[threading.Thread] = []
        self.names: dict[str, Any] = {"__name__": "__main__", "get_ipython": lambda: IPYTHON, "display": IPYTHON}
        vars(IPYTHON).update(run_line_magic=self.magic, magic=self.run_whole_magic, run_cell=self.run,
                             run_cell_magic=lambda name, line, cell: self.magic(name, cell), ex=self.run)  # fmt: skip
        self.prepare()

    def prepare(self) -> None:
        """Replace functions for good in this process. Threads use the CPU in place of a GPU. Processes become threads,
        because new processes are refused and their training could not be watched."""
        start, sleep = threading.Thread.start, time.sleep
        kinds: Any = concurrent.futures
        spawn: Any = torch.multiprocessing

        def started(thread: threading.Thread) -> None:
            run = thread.run
            pooled = getattr(thread, "_target", None) is pool_worker  # a pool's thread waits for work and never ends
            replace(thread, "run", lambda: self.within(run))
            if not pooled:
                self.threads.append(thread)
            start(thread)

        def spawned(
            function: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, *_: Any, **__: Any
        ) -> None:
            for at in range(nprocs):
                function(at, *args)

        replace(threading.Thread, "start", started)
        replace(time, "sleep", lambda seconds: sleep(min(seconds, LONGEST_SLEEP)))
        replace(builtins, "input", lambda *_: "")
        replace(os, "_exit", sys.exit)  # Colab restarts its kernel so; here that ends a cell
        replace(signal, "alarm", lambda seconds: 0)  # it would end the process
        replace(asyncio, "run", lambda task, **_: finished(task))
        replace(kinds, "ProcessPoolExecutor", concurrent.futures.ThreadPoolExecutor)
        for owner in (multiprocessing, torch.multiprocessing):
            replace(owner, "Process", multiprocessing.dummy.Process)
            replace(owner, "Pool", Pool)
        replace(spawn, "spawn", spawned)

    def within(self, run: Callable[[], None]) -> None:
        try:
            with cuda.OnCPU():
                run()
        except Exception as error:
            self.failed(error)

    def execute(self, node: ast.stmt, file: str) -> None:
        self.evaluate(compile(ast.Module([node], []), file, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))

    def wait(self, trains: Callable[[threading.Thread], bool]) -> None:
        """Wait until all threads that train, and all that are not daemons, have ended."""
        while self.threads:
            thread = self.threads.pop(0)
            if thread is threading.current_thread():
                continue
            if thread.daemon:
                thread.join(GRACE)
            if not thread.daemon or trains(thread):
                thread.join()

    def evaluate(self, code: CodeType, names: dict[str, Any] | None = None) -> None:
        task = eval(code, self.names if names is None else names)
        if inspect.iscoroutine(task):
            finished(task)

    def run(self, source: str, *_: Any, **__: Any) -> None:
        self.evaluate(compile(notebook.plain(source), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))

    def run_whole_magic(self, line: str) -> None:
        name, _, rest = line.lstrip("%").partition(" ")
        self.magic(name, rest)

    def magic(self, name: str, line: str = "", *_: Any) -> Any:
        """`get_ipython().run_line_magic("time", "fit()")`"""
        if name == "run":
            self.run_script(line)
        elif name in RUNS_CODE:
            self.run(f"%{name} {line}" if OPTION.match(line) and name != "capture" else line)
        return IPYTHON

    def run_script(self, line: str) -> None:
        """`%run train.py --epochs 3`: afterwards its names are in the notebook, as in Jupyter."""
        path, *arguments = shlex.split(line)
        code = compile(notebook.plain(Path(path).read_text(encoding="utf-8")), path, "exec")
        names = {"__name__": "__main__", "__file__": path, "get_ipython": lambda: IPYTHON}
        before, sys.argv = sys.argv, [path, *arguments]
        try:
            self.evaluate(code, names)
        finally:
            sys.argv = before
        self.names.update({name: value for name, value in names.items() if not name.startswith("__")})


IPYTHON = Mute("get_ipython")


def finished(task: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a new event loop and return its result."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(task)
    finally:
        loop.close()
