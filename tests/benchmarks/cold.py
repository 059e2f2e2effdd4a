"""How long one submission takes, cold, against what cannot be avoided.

    python tests/benchmarks/cold.py [rounds]

Side by side, in turn, on the same machine: `python -c "import numpy"`, the grading command without and with its HTML,
and the same checks run in one process without any isolation. The ratios of the minima are what counts: this machine's
noise only ever adds. Bytecode is kept, as Python does where nobody forbids it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
TASKS = ["--task", "1", "--task", "2", "--task", "3", "--task", "4.1"]
IN_PROCESS = f"""
import sys; sys.path.insert(0, {str(ROOT)!r}); sys.path.insert(0, {str(ROOT / "tests" / "homework")!r})
import fake
fake.run_all(seed=1)
"""


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        grade = [sys.executable, "grade.py", "reference", *TASKS, "--json", f"{folder}/r.json"]
        commands = {
            "import numpy": [sys.executable, "-c", "import numpy"],
            "the same checks in one process": [sys.executable, "-c", IN_PROCESS],
            "grade, no HTML": [*grade, "--no-html"],
            "grade, HTML": [*grade, "--html", f"{folder}/r.html"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                times[name].append(seconds(command))
    floor = min(times["import numpy"])
    print(f"{'':32}{'min s':>8}{'median s':>10}{'x import numpy':>16}")
    for name, taken in times.items():
        print(f"{name:32}{min(taken):8.3f}{sorted(taken)[len(taken) // 2]:10.3f}{min(taken) / floor:16.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
