"""`python -m grader` from any folder. It may contain a student's files, so nothing is imported from there."""

import os
import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the imports without a traceback; then cli.py answers it
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from grader.cli import leave, main  # noqa: E402

if __name__ == "__main__":  # the processes of a batch import this file
    leave(main())
