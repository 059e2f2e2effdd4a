"""`python -m grader`, from any folder: that folder's files are a student's, and none of them is to be imported."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from grader.cli import main  # noqa: E402

if __name__ == "__main__":  # the processes of a batch import this file
    sys.exit(main())
