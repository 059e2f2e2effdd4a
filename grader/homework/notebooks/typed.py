"""Finds accuracies that a notebook draws or prints without measuring them: they are typed, changed on their way, or of
another set than it says. If code could have computed a value, nothing is reported."""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from ..training.syntax import unparsed
from .nodes import (
    SHOWN,
    assigned,
    called,
    calls_in,
    given,
    identifiers,
    in_order,
    is_text,
    key,
    place,
    root,
    shown,
    texts,
)
from .notebook import TRAINING, draws
from .origins import Origins, changes
from .shown import PICTURE, base_name

DRAWING = re.compile(r"^(plot|scatter|bar|barh|step|stem|errorbar|semilog[xy]|loglog|lineplot|line|fill_between)$")
SAYING = frozenset(("print", "display"))
WORDS = re.compile(r"acc|correct|test", re.IGNORECASE)
TRAINING_SET = re.compile(
    r"(?<![a-z])tr(ai)?n(ing)?_?(loader|set|data|dl|ds|iter|batches|x|images)|(loader|data|set|mnist|x|images)_?tr(ai)?n"
)
UNSHOWN = frozenset(("exec", "eval", "globals", "locals", "vars", "setattr", "get_ipython"))  # bind what is not seen
OF_TEST = re.compile(r"test|(?<![a-z])te(?![a-z])")
OTHER_SET = re.compile(r"(?<!e)val|test|(?<![a-z])(te|dev)(?![a-z])|hold|held")
BOUNDING = frozenset(("max", "maximum", "fmax", "clip", "clamp", "clamp_min", "where"))
GROUPING = frozenset(("hue", "color", "style", "col", "row"))
WIDTHS = (1.64, 1.645, 1.65, 1.96)  # of a confidence interval, in standard errors
LOST = re.compile(r"loss|entropy|criterion|nll", re.IGNORECASE)

# A cell's statements in order, each with the names whose last value stands in the code, whatever they held before.
Overwritten = list[tuple[ast.stmt, set[str]]]


def drawn(origins: Origins, tree: ast.Module) -> str:
    """Why the accuracies that a cell draws were not measured as it says; "" if they may have been."""
    calls = [call for call in origins.calls(tree) if call.args and DRAWING.match(called(call))]  # no `optimizer.step()`
    if not calls and (file := brought_picture(origins, tree)):
        return f"shows a picture of {file}, which nothing in the notebook saves"
    if curve := twice(calls):
        return f"draws one curve as training and as validation accuracy ({curve})"
    told = [call for call in calls if {"training", "validation"} & draws(call)]
    may_be_typed = bool(told) or all((value := height(call)) is not None and origins.typed(value) for call in calls)
    reasons = (why_drawn(origins, call, may_be_typed=may_be_typed) for call in told or calls)
    return next(filter(None, reasons), "")


def why_drawn(origins: Origins, call: ast.Call, *, may_be_typed: bool) -> str:
    """As `drawn`, for one call. `may_be_typed`: numbers that stand in the code are no other line of the plot."""
    value = height(call)
    if value is None:
        return ""
    if called(value) in ("sorted", "sort"):
        return f"draws accuracies that its code changes ({shown(value)})"
    if "accuracy" in topics(call) and of_losses(origins, value):
        return f"draws as an accuracy what it makes of losses ({shown(value)})"
    if may_be_typed and origins.typed(value):
        return f"draws numbers that stand in the code ({shown(value)})"
    if called(call) != "fill_between" and (how := improved(origins, value)):  # a band lies around its curve
        return f"draws accuracies that its code changes ({how})"
    other = of_training(origins, value)
    if other and "validation" in draws(call) and "training" not in draws(call):
        return f"draws as validation accuracy what is {other}"
    return ""


def said(origins: Origins, tree: ast.Module) -> str:
    """Why an accuracy that a cell says was not measured as it says; "" if it may have been."""
    calls = [call for call in origins.calls(tree) if called(call) in SAYING]
    told = [call for call in calls if WORDS.search(unparsed(call)) and not all(map(is_text, call.args))]
    last = tree.body[-1].value if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    shown_last = [last] if last is not None and called(last) not in SAYING else []
    all_said = [one for call in calls for one in call.args] + shown_last
    values = [one for call in told for one in call.args if not is_text(one)]
    values = values or [one for one in all_said if not is_text(one)]
    if values and all(map(origins.typed, values)):
        return f"prints an accuracy that stands in the code ({shown(values[-1])})"
    for value in values if told else ():
        if how := improved(origins, value):
            return f"prints an accuracy that its code changes ({how})"
    reasons = (said_of_training(origins, call) for call in told)
    return next(filter(None, reasons), "") or named_test(origins, tree, calls)


def said_of_training(origins: Origins, call: ast.Call) -> str:
    """Why what a call prints as test accuracy is one of training; "" if it may not be."""
    words = " ".join(texts(call)).lower()
    if "test" not in words or "train" in words:
        return ""
    values = [part for one in call.args for part in in_text(one)]
    for other in filter(None, (of_training(origins, value) for value in values)):
        return f"prints as test accuracy what is {other}"
    for value in values:
        if called_training(origins, value):
            return f"prints as test accuracy what is called one of training ({shown(value)})"
    return ""


def in_text(value: ast.expr) -> list[ast.expr]:
    """The values in an f-string; of anything else, itself."""
    if not isinstance(value, ast.JoinedStr):
        return [value]
    return [one.value for one in value.values if isinstance(one, ast.FormattedValue)]


def named_test(origins: Origins, tree: ast.Module, calls: list[ast.Call]) -> str:
    """The same where what is measured prints itself: `test_accuracy = evaluate(model, trainloader)`."""
    statements = [one for one in tree.body if isinstance(one, ast.Assign | ast.Expr)]
    measured = [one.value for one in statements if isinstance(one.value, ast.Call) and called(one.value) not in SAYING]
    bound = [root(target) for one in statements if isinstance(one, ast.Assign) for target in one.targets]
    words = " ".join([*bound, *(text for call in calls for text in texts(call))]).lower()
    others = any(OTHER_SET.search(word.lower()) for one in measured for word in identifiers(one))
    printed = any(called(one) in SAYING and not all(map(is_text, one.args)) for one in calls_in(tree))
    if "test" in words and "train" not in words and not others and not printed:
        for other in filter(None, (of_training(origins, value) for value in measured)):
            return f"calls test accuracy what is {other}"
    return ""


def drawn_over(origins: Origins, statements: Overwritten) -> str:
    """As `drawn`, where typed numbers are put over what was computed."""
    for statement, last in statements:
        for call in calls_in(statement):
            told = DRAWING.match(called(call)) and {"training", "validation"} & draws(call)
            value = height(call)
            if told and value is not None and origins.typed_of(value, last) & last:
                return f"draws numbers that stand in the code ({shown(value)})"
    return ""


def said_over(origins: Origins, statements: Overwritten) -> str:
    """As `said`, where a typed number is put over what was measured."""
    for statement, last in statements:
        for call in calls_in(statement):
            values = [part for part in call.args if not is_text(part)]
            told = called(call) in SAYING and WORDS.search(unparsed(call))
            if told and values and all(origins.typed_of(part, last) & last for part in values):
                return f"prints an accuracy that stands in the code ({shown(values[-1])})"
    return ""


def overwritten(origins: Origins, cells: Mapping[int, ast.Module]) -> dict[int, Overwritten]:
    """The statements of each cell, as `drawn_over` and `said_over` take them."""
    last: set[str] = set()
    found: dict[int, Overwritten] = {number: [] for number in cells}
    for number, tree in cells.items():
        for statement in in_order(tree.body):
            found[number].append((statement, last))
            given_ = dict(assigned(statement))
            typed = {name for name, value in given_.items() if value and origins.typed_of(value, last)}
            lost = last if binds_unseen(statement) else last & (changed(statement) | given_.keys())
            if lost or typed:
                last = (last - lost) | (typed - origins.globals)
    return found


def draws_accuracy(origins: Origins, tree: ast.Module) -> bool:
    """Whether what a cell draws comes from right answers, and no part of it from a loss."""
    calls = [call for call in origins.calls(tree) if DRAWING.match(called(call))]
    values = [one for call in calls for one in call.args if not isinstance(one, ast.Constant)]
    sources = [part for value in values for part in origins.sources(value)]
    return any(map(asks_what_is_right, sources)) and not any(LOST.search(place(one)) for one in sources)


def of_groups(origins: Origins, tree: ast.Module) -> set[str]:
    """The topics of the groups of a table that a cell draws: `lineplot(table, x="epoch", y="acc", hue="split")`."""
    found = set[str]()
    for call in origins.calls(tree):
        columns = {one.arg for one in call.keywords if is_text(one.value)}
        if "y" in columns and columns & GROUPING:
            found.update(
                *(topics(part) for one in [call.func, *given(call)] for part in origins.sources(one) if is_text(part))
            )
    return found


def brought_picture(origins: Origins, tree: ast.Module) -> str:
    """The picture's file whose name stands in a cell and nowhere else in the code; "" if there is none."""
    files = [name for name in map(base_name, texts(tree)) if PICTURE.search(name)]
    everywhere = [base_name(text) for text in origins.texts]
    return next((name[:SHOWN] for name in files if everywhere.count(name) == files.count(name)), "")


def of_losses(origins: Origins, value: ast.expr) -> bool:
    """Whether a value is computed from losses alone."""
    waiting: list[ast.AST] = [value]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if name := place(node):
            if not LOST.search(name) and name not in seen:
                if not origins.values.get(name):
                    return False
                waiting += origins.values[name]
            seen.add(name)
        elif isinstance(node, ast.Lambda) or (isinstance(node, ast.Call) and origins.called(node) != set()):
            return False
        elif isinstance(node, ast.Call):
            waiting += node.args
            if isinstance(node.func, ast.Attribute) and not origins.pure(node.func):
                waiting.append(node.func.value)
        else:
            waiting += ast.iter_child_nodes(node)
    return any(map(LOST.search, seen))


def improved(origins: Origins, value: ast.expr) -> str:
    """How the code makes an accuracy better than it is, on its way from where it is measured; "" if it does not."""
    waiting: list[ast.AST] = [value]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if name := place(node):
            waiting += origins.values.get(name, ()) if name not in seen else ()
            waiting += ast.iter_child_nodes(node)  # of what an attribute is: `np.maximum(acc, 0.9).tolist()`
            seen.add(name)
        elif isinstance(node, ast.Call):
            bounding = called(node) in BOUNDING
            if bounding and any(map(flatters, given(node))):
                return shown(node)
            own = f"{node.func.id}()" if isinstance(node.func, ast.Name) else ""
            waiting += origins.values.get(own, ()) if own not in seen else ()
            seen.add(own)
            pure = origins.called(node) == set() or (bounding and isinstance(node.func, ast.Attribute))
            waiting += ast.iter_child_nodes(node) if pure else ()
        elif isinstance(node, ast.BinOp | ast.IfExp) and better(node):
            return shown(node)
        elif isinstance(node, ast.Subscript):
            waiting.append(node.value)
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return ""


def of_training(origins: Origins, value: ast.expr) -> str:
    """How a value was measured on the training set, and on no other; "" if it was not, or that is unknown."""
    waiting, seen, found = [value], set[str](), ""
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Name):
            if key(one) not in seen and key(one) not in origins.values:
                return ""
            waiting += origins.values[key(one)] if key(one) not in seen else ()
            seen.add(key(one))
            continue
        words = [word.lower() for word in identifiers(one)]
        if not words:  # an empty list, or a number
            continue
        calls = any(called(node) not in ("", "len") for node in ast.walk(one))
        if not calls or not any(map(TRAINING_SET.search, words)) or any(map(OTHER_SET.search, words)):
            return ""
        found = found or f"computed on the training set ({shown(one)})"
    return found


def called_training(origins: Origins, value: ast.expr) -> bool:
    """Whether a value has the name of a training accuracy, and no test set gave it."""
    places = [place(one) for one in ast.walk(value) if "acc" in place(one).lower()]
    names = {one.partition(" in ")[0].lower() for one in places}
    sources = (source for one in places for source in origins.values.get(one, ()))
    words = [*names, *(word.lower() for source in sources for word in identifiers(source))]
    return bool(names) and all(map(TRAINING.search, names)) and not any(map(OF_TEST.search, words))


def twice(calls: Iterable[ast.Call]) -> str:
    """The curve that is drawn both as training and as validation accuracy, or again and again in the same way; "" if
    there is none."""
    kinds_of, alike = defaultdict[str, set[str]](set), set[str]()
    plots = [call for call in calls if called(call) == "plot"]
    for call in plots:
        value = height(call)
        curve = unparsed(value) if value is not None else ""
        kinds = topics(call) & {"training", "validation"}
        kinds_of[curve] |= kinds if len(kinds) == 1 else set()
        if value is not None and curve and len(kinds_of[curve]) > 1:
            return shown(value)
        named_alone = all(one.arg in ("label", "color", "c") for one in call.keywords)
        alike.add(curve if named_alone and not any(map(is_text, call.args)) else "")
    return next(iter(alike))[:SHOWN] if len(plots) > 1 and len(alike) == 1 else ""


def height(call: ast.Call) -> ast.expr | None:
    """What a call that draws puts on the y axis: its last argument that is no constant."""
    return next((one for one in reversed(call.args) if not isinstance(one, ast.Constant)), None)


def topics(call: ast.AST) -> set[str]:
    """What the texts in some code name; see `draws`."""
    return {topic for text in texts(call) for topic in draws(ast.Constant(text))}


def changed(one: ast.stmt) -> set[str]:
    """The names that a statement may give another value: it binds them, or hands them to something that may."""
    found = {node.id for node in ast.walk(one) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(one):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found.add(root(node))
        elif isinstance(node, ast.Call) and not (DRAWING.match(called(node)) or called(node) in SAYING):
            own = isinstance(node.func, ast.Name) and not hasattr(builtins, node.func.id)
            found |= {name for part in (node.args if own else ()) for name in identifiers(part)}
        if isinstance(node, ast.Attribute) and changes(node.attr):
            found.add(root(node))
        elif isinstance(node, ast.Call) and changes(called(node)):
            found |= {root(one) for one in node.args[:1]}
    return found


def binds_unseen(one: ast.stmt) -> bool:
    """Whether a statement may bind names that it does not show."""
    for node in ast.walk(one):
        star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        if star or (isinstance(node, ast.Name) and node.id in UNSHOWN):
            return True
    return False


def number(node: ast.AST) -> float:
    """A number that stands in the code; 0 for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else 0


def flatters(node: ast.AST) -> bool:
    """Whether an accuracy of so much, or of so many percent, looks good. 0, 1 and 100 only keep it in its range."""
    return 0.5 <= number(node) < 1 or 50 <= number(node) < 100


def better(node: ast.BinOp | ast.IfExp) -> bool:
    """Whether something is added to a value, it is multiplied by a little more than 1 or divided by less, or a good
    number may take its place."""
    if isinstance(node, ast.IfExp):
        return flatters(node.body) or flatters(node.orelse)
    numbers = [number(one) for one in (node.left, node.right)]
    rounds = isinstance(node.left, ast.BinOp) and number(node.left.right) >= 100 and numbers[1] == 0.5
    if all(numbers) or max(numbers) in WIDTHS or rounds:
        return False
    added = isinstance(node.op, ast.Add) and 0.01 <= max(numbers) <= 0.5
    divided = isinstance(node.op, ast.Div) and 0.5 < numbers[1] < 1
    return added or divided or (isinstance(node.op, ast.Mult) and 1 < max(numbers) < 2)


def asks_what_is_right(node: ast.AST) -> bool:
    """Whether some code asks which answers are right."""
    compares = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq)
    return compares or (isinstance(node, ast.Attribute) and node.attr in ("argmax", "eq", "accuracy_score"))
