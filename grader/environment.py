"""The command line that sets up the environment.

Every Python must be able to run this file, because it also tells users of an old Python what to type.
"""

import os
import subprocess
import sys

try:
    from shlex import quote
except ImportError:  # Python 2
    from pipes import quote

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = (3, 11)
INSTALLER = "https://www.python.org/downloads/"


def what_to_type(words):
    # type: (list[str]) -> str
    """The line to type to run the command `words`, in the existing environment or in a new one."""
    new_enough = sys.version_info[:2] >= OLDEST
    for python in programs(os.path.join(ROOT, ".venv")):
        if os.path.exists(python) and not is_running(python):
            return "type: " + joined([python] + words)
    if new_enough and sys.prefix != sys.base_prefix:
        return "type: python -m pip install -e " + joined([ROOT + "[torch]"])
    python = sys.executable if new_enough else newer()
    if not python:
        return "install Python 3.11 or newer from " + INSTALLER + ", then " + whole_line("python3", words)
    return whole_line(python, words)


def whole_line(python, words):
    # type: (str, list[str]) -> str
    folder = os.path.join(ROOT, ".venv")
    own = programs(folder)[1 if os.name == "nt" else 0]
    steps = [
        [python, "-m", "venv", folder],
        [own, "-m", "pip", "install", "-q", "-e", ROOT + "[torch]"],
        [own] + words,
    ]
    return "type: " + " && ".join(joined(step) for step in steps)


def programs(folder):
    # type: (str) -> tuple[str, str]
    """Paths of an environment's Python: on Linux and macOS, on Windows."""
    return os.path.join(folder, "bin", "python"), os.path.join(folder, "Scripts", "python.exe")


def is_running(python):
    # type: (str) -> bool
    """Whether this program runs in that environment."""
    return os.path.realpath(os.path.dirname(os.path.dirname(python))) == os.path.realpath(sys.prefix)


def newer():
    # type: () -> str
    """A Python on this machine that is new enough; "" if there is none."""
    for minor in range(14, OLDEST[1] - 1, -1):
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            python = os.path.join(folder, "python3.%d" % minor)
            if os.access(python, os.X_OK) and runs(python):
                return python
    return ""


def runs(python):
    # type: (str) -> bool
    """Whether it can make an environment: on some systems, a name on PATH only offers to install Python."""
    with open(os.devnull, "w") as nowhere:
        return subprocess.call([python, "-c", "import venv, ensurepip"], stdout=nowhere, stderr=nowhere) == 0


def joined(words):
    # type: (list[str]) -> str
    """A command, quoted for a shell."""
    if os.name == "nt":
        return str(subprocess.list2cmdline(words))
    return " ".join(quote(word) for word in words)
