"""Check the graphs of functions.py: outputs against recorded ones, gradients against numeric ones.

    python backprop.py                                      everything
    python backprop.py --action check-grads --function f3   the backward pass of one graph

Ends with 0 when f3 (or the function asked for) is right and no other function is wrong, else with 1.
"""

import argparse
import inspect
import pickle
import random
import sys
from pathlib import Path

import functions

# Row of the table and key in the data file -> function in functions.py, function of the assignment, largest error
GRAPHS = {
    "f1": ("f1", "f1", 1e-10),
    "f2": ("f2", "f2", 1e-8),
    "f3 (y=1)": ("f3_y1", "f3", 1e-8),
    "f3 (y=2)": ("f3_y2", "f3", 1e-8),
    "f4": ("f4", "f4", 1e-6),  # a steep graph has a larger numeric error though its backward pass is right
}
REQUIRED = "f3"
NUM_POINTS = 100
NOT_IMPLEMENTED = "not implemented yet"


def main():
    args = parse_args()
    random.seed(args.seed)
    names = [name for name in GRAPHS if args.function in ("all", GRAPHS[name][1])]
    if args.action == "save-outputs":
        save_outputs(Path(args.pkl_path), names)
        return 0

    rows = []
    if args.action in ("check-both", "check-outputs"):
        recorded = load(Path(args.pkl_path))
        rows += [(name, "output", *check_outputs(name, recorded[name])) for name in names if name in recorded]
        if not rows:
            sys.exit(f"{args.pkl_path} holds no outputs of {args.function}: check its gradients alone.")
    if args.action in ("check-both", "check-grads"):
        rows += [(name, "gradient", *check_grads(name)) for name in names]
    return show(rows, required=REQUIRED if args.function == "all" else args.function)


def parse_args():
    parser = argparse.ArgumentParser(description="Check the computational graphs in functions.py.")
    actions = ["check-both", "check-outputs", "check-grads", "save-outputs"]
    parser.add_argument("--action", choices=actions, default="check-both")
    parser.add_argument("--function", choices=["all", "f1", "f2", "f3", "f4"], default="all")
    parser.add_argument("--pkl-path", default="backprop-data.pkl", help="recorded inputs and outputs")
    parser.add_argument("--seed", type=int, default=442, help="seed of the points that gradients are checked at")
    return parser.parse_args()


def load(path):
    """The recorded data: {name: {'inputs': [tuples of float], 'outputs': [floats]}}."""
    if not path.is_file():
        sys.exit(f"{path} is not here: run this in the folder backprop/, or say where it is with --pkl-path.")
    try:
        return pickle.loads(path.read_bytes())
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, ValueError):
        sys.exit(f"{path} is not a file of recorded outputs: take backprop-data.pkl, or another with --pkl-path.")


def check_outputs(name, recorded):
    """Largest distance between the outputs and the recorded ones, with its bar; None when not implemented."""
    f, bar = function(name), GRAPHS[name][2]
    outputs = [f(*point)[0] for point in recorded["inputs"]]
    if any(output is None for output in outputs):
        return None, bar
    return worst(outputs, recorded["outputs"]), bar


def check_grads(name):
    """Largest distance between the gradients and the numeric ones, with its bar; None when not implemented."""
    f, bar = function(name), GRAPHS[name][2]
    errors = []
    for point in draw_points(f):
        output, grads = f(*point)
        if output is None or grads is None or any(grad is None for grad in grads):
            return None, bar
        if len(grads) != len(point):
            sys.exit(f"{name} has {len(point)} inputs, but returns {len(grads)} gradients; return one for each input.")
        errors.append(worst(grads, numeric_grads(f, point)))
    return worst(errors, [0.0] * len(errors)), bar


def numeric_grads(f, point, h=1e-4):
    """The central difference (f(x + h) - f(x - h)) / 2h for each input of f in turn."""
    grads = []
    for i, x in enumerate(point):
        above = f(*point[:i], x + h, *point[i + 1 :])[0]
        below = f(*point[:i], x - h, *point[i + 1 :])[0]
        grads.append((above - below) / (2 * h))
    return grads


def draw_points(f, draw=random.random):
    """NUM_POINTS tuples with a number for each input of f."""
    arity = len(inspect.signature(f).parameters)
    return [tuple(draw() for _ in range(arity)) for _ in range(NUM_POINTS)]


def function(name):
    return getattr(functions, GRAPHS[name][0])


def worst(values, expected):
    """The largest distance; nan when any value is nan, so that it never passes."""
    errors = [abs(value - other) for value, other in zip(values, expected, strict=True)]
    return next((error for error in errors if error != error), max(errors))


def record(names, draw=random.random):
    """Fresh inputs and the outputs of functions.py for them, in the format of the data file."""
    data = {}
    for name in names:
        points = draw_points(function(name), draw)
        data[name] = {"inputs": points, "outputs": [function(name)(*point)[0] for point in points]}
    return data


def save_outputs(path, names):
    """Write record() to a new file. The recorded data that your work is checked against is never overwritten."""
    if path.exists():
        sys.exit(f"{path} is here already: name a new file with --pkl-path, or delete that one first.")
    data = record([name for name in names if name != "f4"])
    for name, recorded in data.items():
        if any(output is None for output in recorded["outputs"]):
            sys.exit(f"{name} is {NOT_IMPLEMENTED}: nothing was saved.")
    with path.open("wb") as file:
        pickle.dump(data, file, protocol=4)
    print(f"Saved {NUM_POINTS} inputs and outputs of {', '.join(data) or 'no function'} to {path}.")


def show(rows, required):
    """Print the table; 0 when everything required is there and nothing is wrong, else 1."""
    print(f"{'function':<10} {'what':<10} {'largest error':>14} {'must be below':>14}   verdict")
    failed = False
    for name, what, error, bar in rows:
        must = GRAPHS[name][1] == required
        if error is None:
            shown, verdict = "-", NOT_IMPLEMENTED + ("" if must else " (optional)")
            failed |= must
        else:
            shown, verdict = f"{error:.2e}", "ok" if error < bar else "WRONG"
            failed |= verdict == "WRONG"
        print(f"{name:<10} {what:<10} {shown:>14} {bar:>14.0e}   {verdict}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
