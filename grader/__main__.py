"""`python -m grader` from any folder. That folder may contain a student's files, so nothing is imported from there.

Before Python comes to this file, `-m` itself imports modules. Without -P it takes them from the current folder, too.
"""

import os  # Python's own os and sys are imported already, so no other file can replace them
import sys

sys.path[: not sys.flags.safe_path] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

from grader.early import begin  # noqa: E402

if __name__ == "__main__":  # the processes of a batch import this file
    begin()

from grader.cli import leave, main  # noqa: E402

if __name__ == "__main__":
    leave(main())
