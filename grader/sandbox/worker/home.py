"""Provides what a student's computer has and a confined process lacks: a user, a screen, names that numpy dropped."""

from __future__ import annotations

import locale
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.sandbox.worker.standins import StandIns, importer, is_library

USER = "student"
setlocale = locale.setlocale
COLUMNS, LINES = 80, 24

# numpy's old name -> what it meant.
OLD: dict[str, Any] = {
    "float": float,
    "int": int,
    "object": object,
    "complex": complex,
    "str": str,
    "unicode": str,
    "bool": bool,
    "long": int,
    "bool8": np.bool_,
    "int0": np.intp,
    "uint0": np.uintp,
    "object0": np.object_,
    "str0": np.str_,
    "bytes0": np.bytes_,
    "void0": np.void,
    "float_": np.float64,
    "complex_": np.complex128,
    "cfloat": np.complex128,
    "singlecomplex": np.complex64,
    "longfloat": np.longdouble,
    "longcomplex": np.clongdouble,
    "clongfloat": np.clongdouble,
    "string_": np.bytes_,
    "unicode_": np.str_,
    "Inf": np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "NaN": np.nan,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "alltrue": np.all,
    "sometrue": np.any,
    "row_stack": np.vstack,
    "round_": np.round,
    "mat": np.asmatrix,
    "asscalar": lambda a: a.item(),
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype=dtype),
    "in1d": lambda a, b, *args, **kwargs: np.isin(np.ravel(a), b, *args, **kwargs),
    "msort": lambda a: np.sort(a, axis=0),
    "rank": np.ndim,
    "alen": lambda a: len(np.array(a, ndmin=1)),
    "trapz": getattr(np, "trapezoid", None),
    "find_common_type": lambda arrays, scalars: np.result_type(*arrays, *scalars),
    "issubclass_": lambda a, b: isinstance(a, type) and issubclass(a, b),
    "obj2sctype": lambda kind, default=None: np.dtype(kind).type,
    "sctype2char": lambda kind: np.dtype(kind).char,
    "deprecate": lambda function=None, *args, **kwargs: function or (lambda decorated: decorated),
    "disp": lambda text, device=None, linefeed=True: print(text, end="\n" if linefeed else "", file=device),
    "set_string_function": lambda *args, **kwargs: None,
    "math": math,
    "sctypes": {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64, np.longdouble],
        "complex": [np.complex64, np.complex128, np.clongdouble],
        "others": [bool, object, bytes, str, np.void],
    },
}


def furnish(folder: str, stand_ins: StandIns) -> None:
    """Give this process what code finds on a student's computer. `folder` holds the student's files."""
    for name in ("USER", "LOGNAME", "USERNAME"):
        os.environ.setdefault(name, USER)
    os.environ.setdefault("HOME", os.getcwd())  # noqa: PTH109
    main = sys.modules["__main__"]
    if not hasattr(main, "__file__"):
        main.__file__ = str(Path(folder) / "__main__.py")
    answer_instead(os, "getlogin", OSError, lambda: USER)
    answer_instead(os, "get_terminal_size", OSError, lambda *_: os.terminal_size((COLUMNS, LINES)))
    answer_instead(locale, "setlocale", locale.Error, lambda category, locale=None: setlocale(category))
    furnish_accounts()
    keep_old_names(stand_ins)


def furnish_accounts() -> None:
    """This machine's accounts cannot be read. Questions about accounts get a made-up one, the student's."""
    try:
        import grp
        import pwd
    except ImportError:
        return  # not on Windows
    home = os.environ["HOME"]
    user = pwd.struct_passwd((USER, "x", os.getuid(), os.getgid(), USER, home, "/bin/sh"))
    group = grp.struct_group((USER, "x", os.getgid(), [USER]))
    answer_instead(pwd, "getpwuid", KeyError, lambda _: user)
    answer_instead(pwd, "getpwnam", KeyError, lambda _: user)
    answer_instead(grp, "getgrgid", KeyError, lambda _: group)
    answer_instead(grp, "getgrnam", KeyError, lambda _: group)


def answer_instead(module: Any, name: str, error: type[Exception], answer: Callable[..., Any]) -> None:
    """If `module.name` raises `error`, return `answer` of the same arguments."""
    function = getattr(module, name, None)
    if function is None:
        return

    def asked(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except error:
            return answer(*args, **kwargs)

    setattr(module, name, asked)


def keep_old_names(stand_ins: StandIns) -> None:
    """Keep names that numpy dropped working in a student's file. For libraries they stay gone."""
    refuse: Callable[[str], Any] = vars(np)["__getattr__"]

    def old(name: str) -> Any:
        value, frame = OLD.get(name), importer()
        if value is None or frame is None or is_library(frame.f_code.co_filename):
            return refuse(name)
        stand_ins.tell(f"uses np.{name}, which newer versions of numpy no longer have; here it still works")
        return value

    vars(np)["__getattr__"] = old
