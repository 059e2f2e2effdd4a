import sys

try:
    from grader.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed; type: python -m pip install -e . (see README.md)")

sys.exit(main())
