"""Notebooks out of text that can be read: cells between lines of `# %%`, saved outputs as comments.

# %% count=3        a cell; the number in its brackets where it is not its place
#> text             what it printed
#! Name: message    the error it ended in
#plot               a picture that it shows
#html 20            a page of so many MB that it shows, as an animation is kept
"""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image, ImageDraw


def drawn() -> str:
    """A picture of a plot's size with a curve in it, as a notebook saves it."""
    file = io.BytesIO()
    image = Image.new("L", (432, 288), 255)
    ImageDraw.Draw(image).line([(40, 250), (150, 90), (400, 40)], fill=0, width=2)
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


PLOT = drawn()


def cells(text: str) -> list[Any]:
    heads = re.findall(r"^# %%(.*)$", text, re.MULTILINE)
    bodies = re.split(r"^# %%.*\n", text, flags=re.MULTILINE)[1:]
    return [cell(at, head, body) for at, (head, body) in enumerate(zip(heads, bodies, strict=True), start=1)]


def cell(at: int, head: str, body: str) -> Any:
    lines = body.rstrip("\n").split("\n")
    source = [line for line in lines if not line.startswith(("#>", "#!", "#plot", "#html"))]
    count = re.search(r"count=(\d+)", head)
    return new_code_cell("\n".join(source), outputs=outputs(lines), execution_count=int(count[1]) if count else at)


def outputs(lines: list[str]) -> list[Any]:
    found = []
    printed = "".join(f"{line[3:]}\n" for line in lines if line.startswith("#>"))
    if printed:
        found.append(new_output("stream", name="stdout", text=printed))
    for line in lines:
        if line.startswith("#!"):
            name, _, message = line[3:].partition(": ")
            found.append(new_output("error", ename=name, evalue=message, traceback=["\x1b[31m" + line[3:] + "\x1b[0m"]))
        elif line.startswith("#html"):
            found.append(new_output("display_data", data={"text/html": "x" * (int(line.split()[1]) << 20)}))
        elif line.startswith("#plot"):
            found.append(new_output("display_data", data={"image/png": PLOT, "text/plain": "<Figure size 640x480>"}))
    return found


def notebook(text: str, form: str = "") -> str:
    """The file of a notebook; `form` "v3" is that of 2013."""
    made = new_notebook(cells=cells(text))
    return str(nbformat.writes(made, version=3 if form == "v3" else 4))
