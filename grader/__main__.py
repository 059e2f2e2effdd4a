"""`python -m grader` from any folder. It may contain a student's files, so nothing is imported from there.

What Python imports for -m before it comes to this file, it takes from the current folder, unless it is told -P.
"""

import os  # of which, as of sys, Python has imported its own already
import sys

sys.path[: not sys.flags.safe_path] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

import signal  # noqa: E402

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the imports without a traceback; then cli.py answers it

from grader.cli import leave, main  # noqa: E402

if __name__ == "__main__":  # the processes of a batch import this file
    leave(main())
