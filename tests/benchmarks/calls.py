"""What a question costs: rounds of 1,000 session calls, one by one and in one round trip, against the bare function.

python tests/benchmarks/calls.py [rounds]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.model import Limits, Section, Submission  # noqa: E402
from grader.sandbox.remote import Module  # noqa: E402
from grader.sandbox.session import Session  # noqa: E402

CODE = b"import numpy as np\ndef fc_forward(x, w, b):\n    return x @ w + b, (x, w, b)\n"
CALLS = 1000


def main(rounds: int) -> None:
    section = Section("numpy", {"layers": "layers.py"}, ("layers.py",), {"fc_forward": (1,)})
    args = (np.ones((4, 5)), np.ones((5, 3)), np.ones(3))
    bare: dict[str, object] = {}
    exec(CODE, bare)
    function = bare["fc_forward"]
    assert callable(function)
    best = {"bare": float("inf"), "one by one": float("inf"), "map": float("inf")}
    with Session(section, Submission("s", {"layers.py": CODE}, {}, ""), {}, Limits()) as session:
        session.begin(1)
        layers = Module(session, "layers")
        layers.fc_forward(*args)
        for _ in range(rounds):
            session.begin(1)
            for name, run in (
                ("bare", lambda: [function(*args) for _ in range(CALLS)]),
                ("one by one", lambda: [layers.fc_forward(*args) for _ in range(CALLS)]),
                ("map", lambda: layers.fc_forward.map([args] * CALLS)),
            ):
                began = time.perf_counter()
                run()
                best[name] = min(best[name], time.perf_counter() - began)
    for name, taken in best.items():
        print(f"{name:12}{taken / CALLS * 1e6:9.1f} us a call{taken / best['bare']:9.1f} x bare")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
