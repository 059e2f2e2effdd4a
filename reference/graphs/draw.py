"""Draw f1.svg, f2.svg and f3.svg beside this file: python draw.py

A graph is a table of nodes on a grid: name -> (column, row, label, names it is computed from). Inputs have no label of
their own and are drawn as plain letters, operators as circles, and each edge carries the name of the value on it.
"""

from pathlib import Path
from xml.sax.saxutils import escape

STEP_X, STEP_Y, RADIUS, MARGIN = 120, 74, 21, 44

GRAPHS = {
    "f1": {
        "x1": (0, 0, None, ()),
        "w1": (0, 1, None, ()),
        "x2": (0, 2, None, ()),
        "w2": (0, 3, None, ()),
        "b": (1, 4, None, ()),
        "y": (3, 4, None, ()),
        "a1": (1, 0.5, "×", ("x1", "w1")),
        "a2": (1, 2.5, "×", ("x2", "w2")),
        "y_hat": (2, 1.5, "+", ("a1", "a2", "b")),
        "d": (3, 2, "−", ("y_hat", "y")),
        "L": (4, 2, "( )²", ("d",)),
    },
    "f2": {
        "x": (0, 1, None, ()),
        "d": (1, 1, "2·", ("x",)),
        "e": (2, 1, "exp", ("d",)),
        "t": (3, 0, "−1", ("e",)),
        "b": (3, 2, "+1", ("e",)),
        "y": (4, 1, "÷", ("t", "b")),
    },
    "f3": {
        "s1": (0, 0, None, ()),
        "s2": (0, 2, None, ()),
        "y": (3, 3, None, ()),
        "e1": (1, 0, "exp", ("s1",)),
        "e2": (1, 2, "exp", ("s2",)),
        "d": (2, 1, "+", ("e1", "e2")),
        "p1": (3, 0, "÷", ("e1", "d")),
        "p2": (3, 2, "÷", ("e2", "d")),
        "p": (4, 1, "pick", ("p1", "p2", "y")),
        "L": (5, 1, "−log", ("p",)),
    },
}
WORDS = {
    "f1": "L is the square of x1 w1 + x2 w2 + b - y.",
    "f2": "y is e - 1 divided by e + 1, where e is the exponential of 2 x.",
    "f3": "L is minus the logarithm of the softmax probability of s1 and s2 that y picks.",
}
STYLE = """
    svg { font: 15px system-ui, sans-serif; }
    .ground { fill: #ffffff; }
    text { fill: #1f2328; text-anchor: middle; dominant-baseline: central; }
    .value { fill: #57606a; font-size: 13px; font-style: italic; }
    .node { fill: #ffffff; stroke: #0b5cad; stroke-width: 1.5; }
    .edge { stroke: #57606a; stroke-width: 1.3; fill: none; }
    .tip { fill: #57606a; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; }
      text { fill: #e6edf3; }
      .value { fill: #9da7b1; }
      .node { fill: #151b23; stroke: #6cb0f5; }
      .edge { stroke: #9da7b1; }
      .tip { fill: #9da7b1; }
    }
"""


def place(column, row):
    return MARGIN + column * STEP_X, MARGIN + row * STEP_Y


def toward(start, end, distance):
    """The point `distance` away from `start` on the way to `end`."""
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    return tuple(round(a + (b - a) * distance / length, 1) for a, b in zip(start, end, strict=True))


def edge(start, end):
    """An arrow between the rims of two nodes."""
    (x1, y1), (x2, y2) = toward(start, end, RADIUS), toward(end, start, RADIUS + 3)
    return f'<path class="edge" marker-end="url(#tip)" d="M{x1} {y1} L{x2} {y2}"/>'


def pretty(name):
    """The name of a value as in the formulas: x1 with its index lowered, y_hat with its hat."""
    if name == "y_hat":
        return "ŷ"
    return name[0] + "".join("₀₁₂₃"[int(digit)] for digit in name[1:])


def draw(name):
    """One graph as SVG."""
    nodes = GRAPHS[name]
    at = {node: place(column, row) for node, (column, row, _, _) in nodes.items()}
    last = max(at.values())
    width, height = last[0] + STEP_X * 0.75, max(y for _, y in at.values()) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
        f"  <title>The graph {name}</title>",
        f"  <desc>{escape(WORDS[name])}</desc>",
        f"  <style>{STYLE}  </style>",
        f'  <rect class="ground" width="{width:g}" height="{height:g}"/>',  # the page around may not follow the scheme
        '  <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip" d="M0 0 L8 4 L0 8 z"/></marker>',
    ]
    for node, (_, _, _, sources) in nodes.items():
        lines += [f"  {edge(at[source], at[node])}" for source in sources]
    for node, (_, _, label, _) in nodes.items():
        x, y = at[node]
        if label is None:
            lines.append(f'  <text x="{x}" y="{y}">{pretty(node)}</text>')
            continue
        lines.append(f'  <circle class="node" cx="{x}" cy="{y}" r="{RADIUS}"/>')
        lines.append(f'  <text x="{x}" y="{y}">{escape(label)}</text>')
        lines.append(f'  <text class="value" x="{x}" y="{y - RADIUS - 11}">{pretty(node)}</text>')
    end = max(nodes, key=lambda node: at[node])
    x, y = at[end]
    lines.append(f'  <path class="edge" marker-end="url(#tip)" d="M{x + RADIUS} {y} L{x + RADIUS + 38} {y}"/>')
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    for graph in GRAPHS:
        Path(__file__).with_name(f"{graph}.svg").write_text(draw(graph), encoding="utf-8")
