import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the imports without a traceback; then cli.py answers it

from grader.cli import leave, main

if __name__ == "__main__":  # the processes of a batch import this file
    leave(main())
