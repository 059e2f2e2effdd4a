"""What one mistake in a graph would give, for each place in it. Never handed out.

A graph is a list of nodes in order, with the names of its picture. A node is a sum of terms, a product of powers, a
function, or one of several nodes that is picked. So each mistake is another sum, product or function in one place:
forward, or on the way back from a node to one that it depends on. What a mistake gives is a vector, with one number for
each point.
"""

from dataclasses import dataclass, replace

import numpy as np

INVERSE = {"exp": "log", "log": "exp"}
FUNCTIONS = {
    "exp": np.exp, "log": np.log, "exp2": np.exp2, "expm1": np.expm1, "log10": np.log10, "log2": np.log2,
    "log1p": np.log1p, "": lambda x: x,
}  # fmt: skip
OTHERS = {"exp": ("exp2", "expm1", ""), "log": ("log10", "log2", "log1p", "")}


@dataclass(frozen=True)
class Node:
    """name = sum of factor * term + constant; or factor * product of value ** power; or factor * function(of).

    `terms` and `powers` are pairs of a name and a number. A node with `picks` is the one at position `picked`.
    """

    name: str
    shown: str
    terms: tuple = ()
    powers: tuple = ()
    function: str | None = None
    of: str = ""
    factor: float = 1.0
    constant: float = 0.0
    picks: tuple = ()
    picked: int = 0

    def value(self, values):
        if self.picks:
            return values[self.picks[self.picked]]
        if self.function is not None:
            return self.factor * FUNCTIONS[self.function](values[self.of])
        if self.terms:
            return self.factor * (sum(number * values[name] for name, number in self.terms) + self.constant)
        return product(self.factor, self.powers, values)

    def slopes(self):
        """For each node that it depends on: its derivative, as a factor and powers."""
        if self.picks:
            return [(name, float(at == self.picked), ()) for at, name in enumerate(self.picks)]
        if self.function == "exp":
            return [(self.of, 1.0, ((self.name, 1),))]
        if self.function == "log":
            return [(self.of, self.factor, ((self.of, -1),))]
        if self.terms:
            return [(name, self.factor * number, ()) for name, number in self.terms]
        found = []
        for at, (name, power) in enumerate(self.powers):
            rest = (*self.powers[:at], *(((name, power - 1),) if power != 1 else ()), *self.powers[at + 1 :])
            found.append((name, self.factor * power, rest))
        return found


def product(factor, powers, values):
    result = factor
    for name, power in powers:
        result = result * values[name] ** float(power)
    return result


def graph(name, y=1):
    """The nodes of f1, f2 or f3; y picks in f3."""
    if name == "f1":
        return [
            Node("a1", "a1 = x1 w1", powers=(("x1", 1), ("w1", 1))),
            Node("a2", "a2 = x2 w2", powers=(("x2", 1), ("w2", 1))),
            Node("y_hat", "y_hat = a1 + a2 + b", terms=(("a1", 1), ("a2", 1), ("b", 1))),
            Node("d", "d = y_hat - y", terms=(("y_hat", 1), ("y", -1))),
            Node("L", "L = d**2", powers=(("d", 2),)),
        ]
    if name == "f2":
        return [
            Node("d", "d = 2 x", powers=(("x", 1),), factor=2.0),
            Node("e", "e = exp(d)", function="exp", of="d"),
            Node("t", "t = e - 1", terms=(("e", 1),), constant=-1.0),
            Node("b", "b = e + 1", terms=(("e", 1),), constant=1.0),
            Node("y", "y = t / b", powers=(("t", 1), ("b", -1))),
        ]
    return [
        Node("e1", "e1 = exp(s1)", function="exp", of="s1"),
        Node("e2", "e2 = exp(s2)", function="exp", of="s2"),
        Node("d", "d = e1 + e2", terms=(("e1", 1), ("e2", 1))),
        Node("p1", "p1 = e1 / d", powers=(("e1", 1), ("d", -1))),
        Node("p2", "p2 = e2 / d", powers=(("e2", 1), ("d", -1))),
        Node("p", "the choice of p by y", picks=("p1", "p2"), picked=y - 1),
        Node("L", "L = -log(p)", function="log", of="p", factor=-1.0),
    ]


INPUTS = {"f1": ("x1", "w1", "x2", "w2", "b", "y"), "f2": ("x",), "f3": ("s1", "s2")}


def outputs(name, points, y=1):
    """(sentence, outputs) of each mistake in the forward pass; points is (N, inputs)."""
    nodes, inputs = graph(name, y), given(name, points)
    names = [*inputs, *(node.name for node in nodes)]
    if name == "f3":
        inputs["y"] = np.full(len(points), float(y))
        names.append("y")
    with np.errstate(all="ignore"):
        found = [(*wrong, at) for at, node in enumerate(nodes) for wrong in changed(node, names)]
        for _, said, wrong, at in sorted(found, key=lambda one: one[0]):
            result = forward([*nodes[:at], wrong, *nodes[at + 1 :]], inputs)
            if result is not None:
                yield f"as if {said} in {nodes[at].shown}", result[nodes[-1].name]


def gradients(name, points, at, y=1):
    """(sentence, gradients of the input at position `at`) of each mistake on the way back."""
    nodes, inputs = graph(name, y), given(name, points)
    values = forward(nodes, inputs)
    right = backward(nodes, values)
    wanted = INPUTS[name][at]
    uses = [used for node in nodes for used, _, _ in node.slopes()]
    with np.errstate(all="ignore"):
        found = []
        for node in nodes:
            for edge, slope in enumerate(node.slopes()):
                used = slope[0]
                through = f" through {node.name}" if uses.count(used) > 1 else ""
                part = f"the part of grad_{used}{through}" if through else f"grad_{used}"
                for order, said, wrong in changed_slope(node, slope, values, right):
                    of_all = f"{part} {said[3:]}" if said.startswith("it were") else f"{said} in {part}"
                    found.append((order, f"as if {of_all}", node, edge, wrong))
        for _, said, node, edge, wrong in sorted(found, key=lambda one: one[0]):
            grads = backward(nodes, values, node.name, edge, wrong)
            yield said, grads[wanted] + np.zeros(len(points))


def given(name, points):
    return dict(zip(INPUTS[name], np.asarray(points, dtype=np.float64).T, strict=True))


def forward(nodes, inputs):
    """The value of each name; None where a node would need one that comes later."""
    values = dict(inputs)
    try:
        for node in nodes:
            values[node.name] = node.value(values) + 0.0
    except KeyError:
        return None
    return values


def backward(nodes, values, faulty="", edge=0, wrong=None):
    """name -> gradient. On one edge of the node `faulty`, what is handed back is `wrong(upstream)`."""
    grads = dict.fromkeys(values, 0.0)
    grads[nodes[-1].name] = 1.0
    for node in reversed(nodes):
        for at, (used, factor, powers) in enumerate(node.slopes()):
            if node.name == faulty and at == edge:
                part = wrong(grads[node.name])
            else:
                part = grads[node.name] * product(factor, powers, values)
            grads[used] = grads[used] + part
    return grads


# Mistakes: an order, so that a simple one is told before another that gives the same; what is wrong; and what it is
SIGN, MISSING, FACTOR, OTHER = range(4)


def changed(node, names):
    """Each mistake in a node."""
    yield SIGN, "the sign were wrong", negated(node)
    if node.picks:
        yield MISSING, f"{node.picks[1 - node.picked]} were taken for every y", replace(node, picked=1 - node.picked)
        return
    yield FACTOR, "the result were counted twice", replace(node, factor=2 * node.factor)
    if node.function is not None:
        for other in OTHERS[node.function]:
            said = f"{other} were used instead of {node.function}" if other else f"{node.function} were left out"
            yield FACTOR, said, replace(node, function=other)
        for other in names:
            if other != node.of:
                yield OTHER, f"{other} stood in the place of {node.of}", replace(node, of=other)
    if node.terms:
        yield from changed_terms(node, names)
    if node.powers:
        if node.factor not in (1.0, -1.0):
            yield FACTOR, f"the factor {node.factor:g} were missing", replace(node, factor=1.0)
        for powers, order, said in changed_powers(node.powers, names):
            yield order, said, replace(node, powers=powers)


def negated(node):
    if node.picks:
        return replace(node, picks=(), function="", of=node.picks[node.picked], factor=-1.0)
    return replace(node, factor=-node.factor)


def changed_terms(node, names):
    terms = node.terms
    for at, (name, number) in enumerate(terms):
        rest = (*terms[:at], *terms[at + 1 :])
        yield MISSING, f"{name} were left out", replace(node, terms=rest or ((name, 0.0),))
        yield SIGN, f"the sign of {name} were wrong", replace(node, terms=(*rest, (name, -number)))
        yield FACTOR, f"{name} were counted twice", replace(node, terms=(*rest, (name, 2 * number)))
        if len(terms) > 2:
            only = replace(node, terms=((name, number),))
            yield MISSING, f"all but {name} were left out", only
        for other in names:
            if other != name:
                yield OTHER, f"{other} stood in the place of {name}", replace(node, terms=(*rest, (other, number)))
    if node.constant:
        shown = f"{abs(node.constant):g}"
        yield MISSING, f"{shown} were left out", replace(node, constant=0.0)
        yield SIGN, f"the sign of {shown} were wrong", replace(node, constant=-node.constant)
        yield FACTOR, f"{shown} were divided by 2", replace(node, constant=node.constant / 2)


def changed_powers(powers, names):
    for at, (name, power) in enumerate(powers):
        rest = (*powers[:at], *powers[at + 1 :])
        shown = name if abs(power) == 1 else f"{name}**{abs(power)}"
        yield rest or ((name, 0),), MISSING, f"{shown} were left out"
        turned = "multiplied, not divided," if power < 0 else "divided, not multiplied,"
        said = f"{shown} were {turned}" if abs(power) == 1 else f"the power of {name} had the wrong sign"
        yield (*rest, (name, -power)), FACTOR, said
        if abs(power) > 1:
            yield (*rest, (name, power // abs(power))), FACTOR, f"{shown} were {name}: a factor is missing"
        yield (*rest, (name, 2 * power)), FACTOR, f"{shown} were multiplied once too often"
        for other in names:
            if other != name:
                yield (*rest, (other, power)), OTHER, f"{other} stood in the place of {name}"
    if len(powers) > 1:
        yield tuple((name, -power) for name, power in powers), OTHER, "numerator and denominator were exchanged"


def changed_slope(node, slope, values, right):
    """Each mistake in what a node hands back to one that it depends on: (order, said, what it makes of its own
    gradient). `right` are the right gradients."""
    _, factor, powers = slope
    local, above = product(factor, powers, values), f"grad_{node.name}"

    def times(number):
        return lambda upstream: upstream * number

    def instead(number):
        return lambda upstream: number + 0 * upstream

    if node.picks and not factor:
        yield MISSING, "the gradient came back for every y", times(1.0)
        return
    yield SIGN, "the sign were wrong", times(-local)
    yield MISSING, "it were left out", times(0 * local)
    yield FACTOR, "it were counted twice", times(2 * local)
    yield FACTOR, "it were divided by 2", times(local / 2)
    yield MISSING, f"the factor {above} were left out", instead(local)
    yield FACTOR, f"{above} were multiplied once too often", lambda upstream: upstream * upstream * local
    yield FACTOR, f"it were divided by {above}, not multiplied", lambda upstream: local / upstream
    if abs(factor) != 1:
        yield MISSING, f"the factor {abs(factor):g} were left out", times(local / abs(factor))
        yield FACTOR, f"it were divided by {abs(factor):g}, not multiplied", times(local / factor**2)
    for changed_to, order, said in changed_powers(powers, values):
        yield order, said, times(product(factor, changed_to, values))
    if len(powers) > 1:
        yield MISSING, f"all but {above} were left out", times(factor)
    for alone in powers:
        yield MISSING, f"all but {alone[0]} were left out", instead(product(factor, (alone,), values))
        yield MISSING, f"all but {alone[0]} were left out", instead(product(abs(factor), (alone,), values))
    yield MISSING, f"all but the factor {factor:g} were left out", instead(factor)
    yield OTHER, "numerator and denominator were exchanged", lambda upstream: 1 / (upstream * local)
    for name in values:
        if name != node.name:
            yield OTHER, f"grad_{name} stood in the place of {above}", instead(right[name] * local)
        yield OTHER, f"{name} stood in the place of {above}", instead(values[name] * local)
