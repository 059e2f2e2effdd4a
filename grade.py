from grader.cli import leave, main

if __name__ == "__main__":  # the processes of a batch import this file
    leave(main())
