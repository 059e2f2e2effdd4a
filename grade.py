from grader.early import begin

if __name__ == "__main__":  # the processes of a batch import this file
    begin()

from grader.cli import leave, main

if __name__ == "__main__":
    leave(main())
