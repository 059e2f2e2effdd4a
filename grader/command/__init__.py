"""Commands beside grading: each module has parser() and run(arguments) -> exit code."""
