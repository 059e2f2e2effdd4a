"""Backgrade: an autograder for numerical and deep-learning homework. The plan is in README.md beside this file."""

import sys

__version__ = "0.1.0"

if sys.version_info < (3, 11):  # noqa: UP036 - pip checks this too, but `python grade.py` does not use pip
    from grader.environment import what_to_type

    version = sys.version.split()[0]
    sys.stderr.write("Backgrade needs Python 3.11 or newer; this is " + version + "; " + what_to_type(sys.argv) + "\n")
    sys.exit(2)
