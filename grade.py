from grader.early import listen

if __name__ == "__main__":  # the processes of a batch import this file
    listen()

from grader.cli import leave, main

if __name__ == "__main__":
    leave(main())
