"""GitHub's runner as far as a log can command it (actions/runner: ActionCommand.cs, ActionCommandManager.cs)."""

from __future__ import annotations

from dataclasses import dataclass, field

KNOWN = """
add-mask add-matcher add-path debug echo endgroup error group internal-set-repo-path notice remove-matcher save-state
set-env set-output stop-commands warning
""".split()
OLD = "##["  # the older form, which is read in the middle of a line, too
IN_MESSAGE = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
IN_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
IN_OLD = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


@dataclass
class Command:
    name: str
    message: str
    properties: dict[str, str] = field(default_factory=dict)


def commands(log: str) -> list[Command]:
    """What it obeys, in order, at the end a switch-off that was never taken back. It reads a carriage return as the end
    of a line, as .NET does."""
    known, found, token = set(KNOWN), [], ""
    for line in log.replace("\r", "\n").split("\n"):
        command = new(line.lstrip(), known) or old(line, known)
        if command is None:
            continue
        if token:
            if command.name == token:
                known.discard(token)
                token = ""
        elif command.name == "stop-commands":
            token = command.message
            known.add(token)
        else:
            found.append(command)
    return [*found, Command("stop-commands", token)] if token else found


def new(line: str, known: set[str]) -> Command | None:
    if not line.startswith("::") or "::" not in line[2:]:
        return None
    head, _, message = line[2:].partition("::")
    name, _, listed = head.partition(" ")
    return command(name, listed.strip().split(","), message, known, (IN_MESSAGE, IN_PROPERTY))


def old(line: str, known: set[str]) -> Command | None:
    _, prefix, rest = line.partition(OLD)
    if not prefix or "]" not in rest:
        return None
    head, _, message = rest.partition("]")
    name, _, listed = head.partition(" ")
    return command(name, listed.split(";"), message, known, (IN_OLD, IN_OLD))


def command(name, listed, message, known, escapes):
    if name not in known:
        return None
    pairs = (one.split("=", 1) for one in listed if "=" in one)
    return Command(name, plain(message, escapes[0]), {key: plain(value, escapes[1]) for key, value in pairs})


def plain(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for code, char in escapes:
        text = text.replace(code, char)
    return text
