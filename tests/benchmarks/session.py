"""What a confined session costs over a bare fork, and what it costs at all.

    python tests/benchmarks/session.py [rounds] [numpy|torch]

In turn, on the same zygote's machine: a process that forks and reaps a child which does nothing, and a session that is
laid out, forked, confined, tried by its canaries, asked one question, and gone with its folder. Medians are those of
a machine as busy as it is; minima are the machine's own.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.loading import OWN, load  # noqa: E402
from grader.model import Limits, Submission  # noqa: E402
from grader.sandbox.launch import ONE_THREAD, Zygotes  # noqa: E402
from grader.sandbox.remote import Module  # noqa: E402
from grader.sandbox.session import Session  # noqa: E402

BARE = """
import os, sys, time
import {warm}, numpy.linalg
for line in sys.stdin:
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    print(time.perf_counter() - began, flush=True)
"""
CODE = {"layers.py": b"import numpy as np\ndef f(x): return x + 1\n"}


def main(rounds: int, warm: str) -> None:
    sections = {section.id: section for section in load(OWN).rubric.sections}
    section = replace(
        sections[warm],
        modules={"layers": "neuralnet/layers.py"},
        submit=("layers.py",),
        forbid=("torch",) if warm == "numpy" else (),
        functions={"layers": ("f",)},  # as loading fills it in, so that nothing is asked but the question
    )
    bare = subprocess.Popen(
        [sys.executable, "-c", BARE.format(warm=warm)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ONE_THREAD,
    )
    assert bare.stdin is not None
    assert bare.stdout is not None
    forks, sessions = [], []
    with Zygotes(ahead=True) as zygotes:
        for n in range(rounds + 5):
            bare.stdin.write("\n")
            bare.stdin.flush()
            fork = float(bare.stdout.readline())
            began = time.perf_counter()
            with Session(section, Submission("s", CODE, {}, ""), {}, Limits(), zygotes.launch(section)) as opened:
                opened.begin(0)
                assert Module(opened, "layers").f(1) == 2
            if n >= 5:
                forks.append(fork)
                sessions.append(time.perf_counter() - began)
    bare.stdin.close()
    bare.wait()
    for name, of in (("median", statistics.median), ("minimum", min)):
        fork, session = 1000 * of(forks), 1000 * of(sessions)
        print(f"{warm} {name:8} bare fork {fork:5.1f} ms, session {session:5.1f} ms, over it {session - fork:5.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2] if len(sys.argv) > 2 else "numpy")
