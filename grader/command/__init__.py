"""The subcommands. Each module has parser() and run(arguments) -> exit code."""
