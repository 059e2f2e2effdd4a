"""Redirects paths of another machine, such as Google Drive or a student's own folders, to the working folder.

A file whose path does not exist here is read and written under its own name in that folder, the only one in which a
notebook may write.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch

from .replaced import replace


def prepare() -> None:
    """Redirect functions that open files or make folders, for good in this process."""
    folder, save = os.getcwd(), torch.save

    def opens(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda file, *args, **kwargs: function(here(file, folder), *args, **kwargs)

    def makes(function: Callable[..., Any]) -> Callable[..., Any]:
        """Redirect only absolute paths: a relative one names a folder to make below the working folder."""
        return lambda name, *args, **kwargs: function(
            here(name, folder) if os.path.isabs(name) else name, *args, **kwargs
        )

    replace(builtins, "open", opens(open))
    replace(io, "open", open)  # pathlib uses it
    replace(torch, "save", lambda obj, f, *args, **kwargs: save(obj, here(f, folder), *args, **kwargs))
    replace(os, "makedirs", makes(os.makedirs))
    replace(os, "mkdir", makes(os.mkdir))


def prepare_lists() -> None:
    """Redirect functions that list a folder, such as glob, for good: a missing folder becomes the working folder."""
    folder = os.getcwd()

    def lists(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path=".": function(path if isinstance(path, int) or os.path.exists(path) else folder)

    replace(os, "listdir", lists(os.listdir))
    replace(os, "scandir", lists(os.scandir))


def lay(files: Mapping[str, str]) -> None:
    """Write the modules that a notebook defines by %%writefile where its imports find them. A module that cannot be
    written makes its import fail later."""
    for path, text in files.items():
        with contextlib.suppress(OSError, ValueError):
            own = here(path, os.getcwd()) if os.path.isabs(path) else path
            os.makedirs(os.path.dirname(own) or ".", exist_ok=True)
            with open(own, "w", encoding="utf-8") as file:
                file.write(text)
    sys.path.insert(0, os.getcwd())


def here(path: Any, folder: str) -> Any:
    """`path` if it exists, or lies in an existing folder below `folder`; otherwise its name in `folder`.

    Upper and lower case are the same, as on most students' machines.
    """
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if type(name) is not str or os.path.exists(name):
        return path
    parent, _, base = name.replace("\\", "/").rstrip("/").rpartition("/")
    inside = os.path.isdir(parent or ".") and f"{os.path.abspath(parent)}/".startswith(f"{folder}/")
    alike = [each for each in os.listdir(folder) if each.lower() == base.lower()]
    return path if inside and (parent or not alike) else os.path.join(folder, *alike[:1] or [base])
