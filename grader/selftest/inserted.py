"""What is put at the end of a file of the reference, so that one of its functions reports its calls or answers wrongly.

This text runs in a student's process, at the end of a file that may hold any names: all of its own begin alike.
There are no annotations, because nothing else may be imported there.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, var-annotated, list-item"

import functools as _selftest_functools
import json as _selftest_json
import sys as _selftest_sys

import numpy as _selftest_np  # noqa: F401 (what answers.py writes uses it)


def _selftest_is_number(value):
    """A float, an int or an array of them, of numpy or torch; no bool, no text."""
    if hasattr(value, "dtype"):
        return not any(kind in str(value.dtype) for kind in ("bool", "object", "str", "<U", "complex"))
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _selftest_is_whole(number):
    return isinstance(number, int) or "int" in str(getattr(number, "dtype", ""))


def _selftest_is_text(value):
    """A text or bytes, a bool, or a set."""
    return isinstance(value, (str, bytes, bool, set, frozenset))


def _selftest_other(value):
    """Another value of the same kind as a text, a bool or a set."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (set, frozenset)):
        return value ^ {"another"}
    return value + (b"x" if isinstance(value, bytes) else "x")


def _selftest_each(value, change, texts):
    """`value` with each number in it changed and, with `texts`, each text, bool and set; all else stays."""
    if _selftest_is_number(value):
        return change(value)
    if texts and _selftest_is_text(value):
        return _selftest_other(value)
    if type(value) in (tuple, list):
        return type(value)(_selftest_each(part, change, texts) for part in value)
    if type(value) is dict:
        return {key: _selftest_each(part, change, texts) for key, part in value.items()}
    if hasattr(value, "__dict__") and not callable(value):
        for name, part in list(vars(value).items()):
            if _selftest_is_number(part) and not _selftest_is_whole(part):
                setattr(value, name, change(part))
    return value


def _selftest_at(value, path, change, texts):
    """`value` with what is below `path` (positions in tuples, one in another) changed."""
    if path and type(value) in (tuple, list) and path[0] < len(value):
        parts = list(value)
        parts[path[0]] = _selftest_at(parts[path[0]], path[1:], change, texts)
        return type(value)(parts)
    return value if path else _selftest_each(value, change, texts)


def _selftest_arrays(values):
    """The arrays among arguments, in tuples too."""
    for value in values:
        if getattr(value, "ndim", 0):
            yield value
        elif type(value) in (tuple, list):
            yield from _selftest_arrays(value)
        elif type(value) is dict:
            yield from _selftest_arrays(value.values())


def _selftest_replace(names, function, make):
    """Put `make(function)` in the place of "function" or "Class.method", also of a property, a class method or a static
    method; what is no plain function stays."""
    owner, _, name = function.rpartition(".")
    holder = names.get(owner) if owner else None
    found = (vars(holder) if holder is not None else names).get(name)
    kind = type(found)
    inside = found.fget if kind is property else found.__func__ if kind in (classmethod, staticmethod) else found
    if type(inside) is not type(_selftest_each):
        return
    made = _selftest_functools.wraps(inside)(make(inside))
    if kind is property:
        made = found.getter(made)
    elif inside is not found:
        made = kind(made)
    if holder is None:
        names[name] = made
    else:
        setattr(holder, name, made)


def _selftest_answer(names, function, path, change, texts=False):
    """Pass what is below `path` of each answer through `change(number, arrays given, floats given, state)`; with
    `texts`, texts, bools and sets become others.

    A function that gives nothing, as a constructor, is wrong in the numbers of its object.
    """
    state = {}

    def make(right):
        def wrong(*args, **named):
            given = list(_selftest_arrays([*args, *named.values()]))
            floats = [value for value in [*args, *named.values()] if isinstance(value, float)]
            answer = right(*args, **named)
            state["calls"] = state.get("calls", 0) + 1
            if answer is None and args:
                _selftest_each(args[0], lambda number: change(number, given, floats, state), texts)
                return None
            return _selftest_at(answer, path, lambda number: change(number, given, floats, state), texts)

        return wrong

    _selftest_replace(names, function, make)


def _selftest_silent(names, function):
    """Give nothing where the function raises."""

    def make(right):
        def silent(*args, **named):
            try:
                return right(*args, **named)
            except Exception:
                return None

        return silent

    _selftest_replace(names, function, make)


def _selftest_given(names, function, change, after=False):
    """Pass the arguments through `change(list of arguments, state of this function)`, before the call or after it."""
    state = {}

    def make(right):
        def wrong(*args, **named):
            given = list(args)
            if not after:
                change(given, state)
            answer = right(*given, **named)
            if after:
                change(given, state)
            return answer

        return wrong

    _selftest_replace(names, function, make)


def _selftest_damage(value, change):
    """Change each array of floats in `value` in place."""
    for array in _selftest_arrays([value]):
        if "float" in str(array.dtype):
            array[...] = change(array)
        elif "bool" in str(array.dtype):
            array[...] = False


def _selftest_kinds(value, depth=2):
    """What a value is: "f" and "i" for one number, "f2" for an array of two axes, a list of such for a tuple, "t" for a
    text or what is like one, "n" for what `_selftest_each` cannot change."""
    if _selftest_is_number(value):
        return ("i" if _selftest_is_whole(value) else "f") + (str(value.ndim) if getattr(value, "ndim", 0) else "")
    if type(value) in (tuple, list):
        if depth:
            return [_selftest_kinds(part, depth - 1) for part in value]
        return _selftest_most(map(_selftest_inside, value), "s") if value else "s"
    if type(value) is dict:
        return _selftest_most(map(_selftest_inside, value.values()), "d") if value else "d"
    return {"f": "o"}.get(_selftest_inside(value), _selftest_inside(value))


def _selftest_inside(value):
    """What `_selftest_each` changes in a value: "f" for numbers, "t" for texts alone, "n" for nothing."""
    if _selftest_is_number(value):
        return "f"
    if _selftest_is_text(value):
        return "t"
    if type(value) in (tuple, list):
        return _selftest_most(map(_selftest_inside, value), "f")
    if type(value) is dict:
        return _selftest_most(map(_selftest_inside, value.values()), "f")
    parts = vars(value).values() if hasattr(value, "__dict__") and not callable(value) else ()
    return "f" if any(_selftest_is_number(part) and not _selftest_is_whole(part) for part in parts) else "n"


def _selftest_most(kinds, numbers):
    """The kind of a whole with parts of these kinds: `numbers` where a number is among them."""
    found = set(kinds)
    return numbers if "f" in found else "t" if "t" in found else "n"


def _selftest_argument(value):
    """What an argument is: a number's kind, "s" for what holds arrays of floats or masks, "n" for all else."""
    if hasattr(value, "dtype") or _selftest_is_number(value):
        return _selftest_kinds(value)
    held = any("float" in str(one.dtype) or "bool" in str(one.dtype) for one in _selftest_arrays([value]))
    return "s" if held else "n"


def _selftest_tell(names, module, functions, mark):
    """Print each function that is called, and whether it raises; with the kinds of what it gets and gives, the first
    time that it answers."""
    told = set()

    def tell(line):
        print(mark + _selftest_json.dumps(line), file=_selftest_sys.stderr, flush=True)

    def telling(function):
        def make(right):
            def told_of(*args, **named):
                line = [f"{module}.{function}", False]
                try:
                    answer = right(*args, **named)
                except Exception:
                    tell([line[0], True])
                    raise
                if function not in told:
                    told.add(function)
                    # A keyword's value is not looked at: what is wrong with an argument goes by its place.
                    # A constructor gives nothing: what it makes is in its object.
                    given = args[0] if answer is None and function.endswith("__init__") and args else answer
                    line += [list(map(_selftest_argument, args)), _selftest_kinds(given)]
                tell(line)
                return answer

            return told_of

        return make

    for function in functions:
        _selftest_replace(names, function, telling(function))
