import sys

from grader.cli import main

if __name__ == "__main__":  # the processes of a batch import this file
    sys.exit(main())
