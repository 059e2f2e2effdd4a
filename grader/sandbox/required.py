"""What a batch requires of a machine's confinement, and what of that is missing."""

from __future__ import annotations

# What a batch requires: property -> what it means, and what is needed for it.
REQUIRED = {
    "fs": ("student code reads and writes nothing but its own folder", "a Linux kernel with Landlock, 5.13 or newer"),
    "net": (
        "it opens no network connection of any kind",
        "Linux on x86_64 or aarch64, for its system-call filter",
    ),
    "procs": ("it starts no program and no process", "Linux on x86_64 or aarch64, for its system-call filter"),
    "signals": (
        "it signals and traces no other process",
        "Linux on x86_64 or aarch64, for its system-call filter",
    ),
    "memory": ("it gets no more memory than the rubric grants", "a system with rlimits: Linux or macOS"),
}
ACTS = {
    "fs": ("read", "list", "write"),
    "net": ("internet", "unix"),
    "procs": ("fork", "exec"),
    "signals": ("signal", "ptrace"),
}


def required(held: str) -> tuple[str, ...]:
    """A sentence for each required property that does not hold. `held` is sessions' lines, joined by "; "."""
    missing: dict[str, None] = {}
    for line in held.split("; "):
        named = properties(line)
        possible = named.get("open", "").split("+")
        for name, (meaning, cure) in REQUIRED.items():
            open_ = [act for act in ACTS.get(name, ()) if act in possible]
            if named.get(name, "none") == "none" or open_:
                missing[f"nothing ensures that {meaning} ({name}); needed: {cure}"] = None
    return tuple(missing)


def properties(line: str) -> dict[str, str]:
    """`fs=landlock7 net=seccomp` as a mapping."""
    return dict(part.split("=", 1) for part in line.split() if "=" in part)
