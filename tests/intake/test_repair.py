"""Right work as editors, exports and transfers leave it, and what is said of files that hold none."""

from __future__ import annotations

import ast
import importlib
import json
import random
import sys

import pytest

from grader.intake import newer, repair
from grader.sandbox.worker import cells
from grader.sandbox.worker.own_modules import OwnModules
from grader.sandbox.worker.standins import StandIns

SOURCE = "import numpy as np\n\n\ndef relu(x):\n    return np.maximum(x, 0)\n"


def graded(content: bytes) -> str:
    found = repair.script(content, "layers.py", "layers.py", newer.needed)
    assert (found.fault, found.question) == ("", "")
    return found.content.decode()


@pytest.mark.parametrize(
    "content",
    [
        SOURCE.encode("utf-16"),
        SOURCE.encode("utf-16-le"),
        SOURCE.encode("utf-16-be"),
        SOURCE.encode("utf-32"),
        SOURCE.encode() + b"\0",
        SOURCE.encode() + b"\x1a",
        SOURCE.replace("\n", "\r\n").encode("utf-16"),
    ],
)
def test_text_in_another_encoding_is_the_same_text(content):
    assert graded(content) == SOURCE


@pytest.mark.parametrize(
    "content",
    [
        SOURCE.encode("utf-8-sig"),
        SOURCE.replace("\n", "\r\n").encode(),
        SOURCE.replace("\n", "\r").encode(),
        b"# -*- coding: cp1252 -*-\n# \x92s\n" + SOURCE.encode(),
        b"x = 1\n",
        b"",
    ],
)
def test_what_python_reads_stays_as_it_is(content):
    assert repair.script(content, "layers.py", "layers.py", newer.needed) == repair.Repaired(content)


def test_an_encoding_that_is_not_declared_or_not_known():
    assert graded(b"# \x92s\n" + SOURCE.encode()) == f"# \u2019s\n{SOURCE}"
    ast.parse(graded(b"# -*- coding: utf8mb4 -*-\n# \xe2\x80\x99s\n" + SOURCE.encode()).encode())


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "%load_ext autoreload",
        "!pip install numpy",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
        "get_ipython().system('pip install numpy')",
        "files = !ls",
        "np.maximum?",
        "```python",
        "zero\u200bwidth = 1",
    ],
)
def test_lines_for_jupyter_alone_go_and_every_other_keeps_its_number(line):
    text = graded(f"{SOURCE}\n{line}\nlast = 1\n".encode())
    tree = ast.parse(text)
    assert (tree.body[1].lineno, tree.body[-1].lineno) == (4, 8)


def test_a_cell_that_an_export_made_a_string_of_is_its_code_again():
    text = graded(b"get_ipython().run_cell_magic('time', '', 'def f():\\n    return 1\\n')\n")
    assert ast.unparse(ast.parse(text)) == "def f():\n    return 1"
    inside = "s = '''\nget_ipython().system('ls')\n'''\ndef f():\n    get_ipython().system('ls')\n"
    assert ast.unparse(ast.parse(graded(inside.encode()))).endswith("def f():\n    pass")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (SOURCE.replace("(x):", "(x):\v").replace(":\v\n", ":\v"), "line ends were corrected"),
        (SOURCE.replace("\n", "\u2028"), "line ends were corrected"),
        (SOURCE.replace("\n", "\x85"), "line ends were corrected"),
        (SOURCE.replace("def ", "\u202adef ").replace("return", "\u2066return"), "invisible characters"),
        (SOURCE.replace("def ", "def\0 "), "invisible characters"),
        (f"```python\n{SOURCE}```\n", "only Jupyter"),
        (f"~~~\n{SOURCE}~~~\n", "only Jupyter"),
        (f"# Layers\n\nThis is my work:\n\n```python\n{SOURCE}```\nIt's done.\n", "outside the ``` of Markdown"),
        ("".join(f"{'...' if line[:1] in (' ', '') else '>>>'} {line}\n" for line in SOURCE.split("\n")), "prompts"),
        (f"In [1]: {SOURCE}", "prompts"),
        (f"name = \u2018a\u2019\nother = \u201cb\u201d\nless = 1 \u2212 2 \u2013 3\n{SOURCE}", "quotes and dashes"),
        (f"x = 1 &lt; 2 and &quot;a&quot; &gt; &#39;b&#39;\n{SOURCE}", "HTML"),
        ("".join(f"    {line}\n" for line in SOURCE.split("\n")), "indented"),
    ],
)
def test_what_pasting_did_to_a_file_is_undone_and_told(content, told):
    found = repair.script(content.encode(), "layers.py", "layers.py", newer.needed)
    (function,) = (one for one in ast.parse(found.content).body if isinstance(one, ast.FunctionDef))
    assert ast.unparse(function) == ast.unparse(ast.parse(SOURCE).body[-1])
    assert [told in note for note in found.notes][-1:] == [True]
    assert not found.fault


def test_the_code_between_fences_is_a_notebooks():
    """So a cell that fails costs no other one, see worker/cells.py."""
    found = repair.script(
        f"# Layers\n\n```python\n{SOURCE}```\nDone.\n".encode(), "layers.py", "layers.py", newer.needed
    )
    assert cells.EXPORTED.search(found.content)


def test_an_example_in_a_docstring_is_not_taken_for_the_file():
    content = f'{SOURCE}\ndef f(x):\n    """\n```\nx = 1\n```\n    """\n    return (x\n'.encode()
    assert repair.script(content, "layers.py", "layers.py", newer.needed).content.startswith(SOURCE.encode())


def test_what_cannot_be_read_either_way_is_left_as_it_was_handed_in():
    """Where Python names a line, it is one of the student's own."""
    content = f"{SOURCE}\nname = \u2018a\u2019\n>>> x = (\n".encode()
    found = repair.script(content, "layers.py", "layers.py", newer.needed)
    assert (found.content, found.notes) == (content, [])


def test_no_break_spaces_are_spaces():
    assert graded(SOURCE.replace("    return", "\u00a0\u00a0\u00a0\u00a0return").encode()) == SOURCE


def notebook(*sources: str) -> bytes:
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()


def test_a_notebook_under_a_scripts_name_is_its_code():
    found = repair.script(
        notebook("%matplotlib inline\nimport numpy as np", SOURCE), "layers.py", "hw.py", newer.needed
    )
    assert repair.defines(found.content) == {"relu"}
    assert found.notes == ["hw.py is a notebook; its code was taken as layers.py"]
    found = repair.script(notebook("x = 1"), "layers.py", "layers.py", newer.needed)
    assert found.fault == (
        "layers.py cannot be imported: it is a notebook (JSON), not Python; in Jupyter, save it as a .py file"
    )


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("display(x)\nrelu(1, 2)\nassert False", ""),
        ("raise SystemExit", ""),
        ("%%bash\nls -l | head 'a\n", ""),
        ("%%time\nrelu(1, 2)", ""),
        ("from __future__ import annotations", ""),
        ("for i in [1]:\n    s = f\"\"\"{i}\nb\"\"\"; relu(1, 2);\n\nprint(s); print(i)", ""),
        ("for i in range(3)\n    print(i)", "SyntaxError: expected ':'"),
        ("await relu(1)", "SyntaxError: 'await' outside function"),
    ],
)  # fmt: skip
def test_a_cell_that_fails_costs_no_other_cell(tmp_path, monkeypatch, cell, told):
    """Calls that show something fail in many notebooks whose functions are right."""
    found = repair.script(notebook("import numpy as np", cell, SOURCE), "layers.py", "hw.ipynb", newer.needed)
    (tmp_path / "layers_of_cells.py").write_bytes(found.content)
    monkeypatch.setattr(sys, "meta_path", [OwnModules([str(tmp_path)], StandIns(str(tmp_path)), 1.0), *sys.meta_path])
    made = importlib.import_module("layers_of_cells")
    monkeypatch.delitem(sys.modules, "layers_of_cells")
    assert list(made.relu([-1, 2])) == [0, 2]
    assert found.notes[1:] == ([f"code cell 2 of hw.ipynb was left out: {told}"] if told else [])


def test_a_notebook_of_marimo_is_its_cells():
    cell = "".join(f"    {line}\n" if line else "\n" for line in SOURCE.split("\n"))
    text = (
        "import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    import numpy as np\n    return (np,)\n\n\n"
        f"@app.cell(hide_code=True)\ndef _(\n    np,\n):\n{cell}    return (\n        relu,\n    )\n\n\n"
        "@app.cell\ndef _(mo):\n    mo.md('x')\n    return\n\n\nif __name__ == '__main__':\n    app.run()\n"
    )
    found = repair.script(text.encode(), "layers.py", "layers.py", newer.needed)
    assert repair.defines(found.content) == {"relu"}
    assert found.content.count(b"\n") == text.count("\n")
    assert cells.EXPORTED.search(found.content)
    assert found.notes == ["layers.py is a notebook of marimo; its cells were taken"]
    odd = b"@app.cell\ndef f():\n    yield 1\n    return\n"
    assert repair.script(odd, "layers.py", "layers.py", newer.needed).content == odd


@pytest.mark.parametrize("line", ["%run other.ipynb", "%run -i ../hw/other.py", "%run 'other'", "%run absent.py"])
def test_what_a_notebook_runs_gives_it_its_names(tmp_path, monkeypatch, line):
    found = repair.script(notebook(line, SOURCE), "layers.py", "hw.ipynb", newer.needed)
    (tmp_path / "runs_another.py").write_bytes(found.content)
    (tmp_path / "other.py").write_text("K = 3\n", encoding="utf-8")
    monkeypatch.setattr(sys, "meta_path", [OwnModules([str(tmp_path)], StandIns(str(tmp_path)), 1.0), *sys.meta_path])
    made = importlib.import_module("runs_another")
    for name in ("runs_another", "other"):
        sys.modules.pop(name, None)
    assert list(made.relu([-1, 2])) == [0, 2]
    assert hasattr(made, "K") == ("other" in line)


def test_pictures_that_a_notebook_saved_do_not_make_it_too_large():
    content = notebook("import numpy as np", SOURCE).replace(
        b'"metadata": {}', b'"metadata": {"a": "%s"}' % (b"A" * (1 << 20))
    )
    found = repair.script(content, "layers.py", "hw.ipynb", newer.needed)
    assert repair.defines(found.content) == {"relu"}


CONFLICT = "<<<<<<< HEAD\n{}=======\n{}>>>>>>> theirs\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{\\rtf1\\ansi def f(x):}", "it is rich text (RTF), as TextEdit and WordPad write it; save it as plain text"),
        (b"<!DOCTYPE html><html><body>layers.py</body></html>", "it is a web page"),
        (b"\xef\xbb\xbf\n<html lang=en>", "it is a web page"),
        (b"%PDF-1.4 ...", "it is a PDF"),
        (b"\x89PNG\r\n", "it is a picture (PNG)"),
        (b"PK\3\4...", "it is a zip or a Word document"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12\n", "it is a pointer of Git LFS"),
        (f"{SOURCE}{CONFLICT.format('a = 1', 'a = 2')}".replace("1=", "1\n=").replace("2>", "2\n>").encode(),
         "it was saved in the middle of a merge conflict (line 6 is <<<<<<<); resolve it, then hand the file in again"),
        (b"x = 1\nprint 'hello'\n", "SyntaxError, because line 2 is written for Python 2, and this is Python 3"),
        (b"print 1\ntry:\n    f()\nexcept ValueError, error:\n    raise\n", "line 1 is written for Python 2"),
        (b"a = 1\nif a <> 2:\n    pass\n", "line 2 is written for Python 2"),
        (random.Random(1).randbytes(3000), "it is no text, so it is no Python"),
        (random.Random(2).randbytes(200) + b"\nprint 'hello'\n", "it is no text, so it is no Python"),
    ],
)  # fmt: skip
def test_what_is_no_python_is_told_by_what_it_is(content, says):
    found = repair.script(content, "layers.py", "layers.py", newer.needed)
    assert found.fault.startswith("layers.py cannot be imported: ")
    assert says in found.fault
    assert not found.question


@pytest.mark.parametrize("line", ["`x` is an array", "x <> y", "print the result"])
def test_a_mistake_is_not_put_down_to_python_2_for_what_a_docstring_says(line):
    content = f'def f(x):\n    """\n    {line}\n    """\n    return (x\n'.encode()
    found = repair.script(content, "layers.py", "layers.py", newer.needed)
    assert (found.content, found.fault) == (content, "")


def test_a_conflict_without_a_difference_is_none():
    assert graded(f"{CONFLICT.format('', '')}{SOURCE}".encode()).strip() == SOURCE.strip()


@pytest.mark.parametrize(
    ("code", "version", "says"),
    [
        ('d = {\'a\': 1}\ns = f"{d["a"]}"\n', (3, 12), "line 2: Cannot reuse outer quote character in f-strings"),
        ("def first[T](x: T) -> T:\n    return x\n", (3, 12), "new in Python 3.12"),
        ("type Pair = tuple[int, int]\n", (3, 12), "new in Python 3.12"),
        ("try:\n    pass\nexcept ValueError, TypeError:\n    pass\n", (3, 14), "new in Python 3.14"),
    ],
)
@pytest.mark.parametrize("cells", [False, True])
def test_what_a_newer_python_reads_is_a_question(code, version, says, cells):
    if sys.version_info >= version:
        pytest.skip("this Python reads it")
    content = notebook(code, SOURCE) if cells else code.encode()
    found = repair.script(content, "layers.py", "layers.py", newer.needed)
    assert says in found.question
    assert found.question.startswith("layers.py needs a newer Python than the grader's 3.")
    assert not found.fault


@pytest.mark.parametrize("code", ["def f(x)\n    return x\n", "x = (1\n", "if True:\nx = 1\n", "f'{'\n"])
def test_a_mistake_in_python_stays_one(code):
    assert repair.script(code.encode(), "layers.py", "layers.py", newer.needed) == repair.Repaired(code.encode())


@pytest.mark.medium
@pytest.mark.parametrize(
    "text",
    ["-" * 90_000 + "1", "(" * 90_000, "lambda:" * 12_000 + "1", "%" * 90_000, "<<<<<<< a\n" * 9000, "not " * 25_000],
)
def test_hostile_text_ends_in_time(text):
    repair.script(text.encode(), "layers.py", "layers.py", newer.needed)


def test_a_notebook_in_utf_16_is_one_in_utf_8():
    content = notebook("x = 1")
    found = repair.notebook(content.decode().encode("utf-16"), "part1.ipynb", "part1.ipynb")
    assert (found.content, found.notes) == (content, ["part1.ipynb was read as UTF-16"])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_a_notebook_in_an_encoding_that_it_does_not_tell_is_read(encoding):
    content = notebook("x = 1")
    assert repair.notebook(content.decode().encode(encoding), "part1.ipynb", "part1.ipynb").content == content


def test_what_a_transfer_added_to_a_notebook_is_left_out():
    content = notebook("x = 1") + b"\n"
    found = repair.notebook(content + bytes(9), "part1.ipynb", "part1.ipynb")
    assert (found.content, found.notes) == (content, ["part1.ipynb: characters after its end were left out"])
    conflict = b"<<<<<<< HEAD\n" + content + b"=======\n" + content + b">>>>>>> theirs\n"
    found = repair.notebook(conflict, "part1.ipynb", "part1.ipynb")
    assert json.loads(found.content) == json.loads(content)
    assert found.notes == ["part1.ipynb: an empty merge conflict was left out"]
    other = conflict.replace(b"x = 1", b"x = 2", 1)
    assert repair.notebook(other, "part1.ipynb", "part1.ipynb").content == other


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("layers.py", b"def f(x):\n    return x\n", ""),
        ("layers.py", b"", ""),  # an empty file is a program
        ("layers.py", b"x = 1\ndef f(x)\n", "layers.py:2: expected ':'"),
        ("layers.py", b"def f(x):\n    return (x\n", "layers.py:2: '(' was never closed"),
        ("layers.py", b"x = 1\0", "layers.py"),
        ("layers.py", b"x = '\xff'\n", "layers.py"),
        ("layers.py", b"(" * 90_000, "layers.py"),
        ("part1.ipynb", notebook("x = 1"), ""),
        ("part1.ipynb", notebook("x = 1")[:-20], "part1.ipynb is no whole notebook"),
        ("part1.ipynb", b"", "part1.ipynb is no whole notebook"),
        ("photo.jpg", b"\xff\xd8\xff", ""),
    ],
)
def test_why_a_file_is_not_whole_is_told_with_its_line(name, content, says):
    found = repair.cut_off(content, name)
    assert bool(found) == bool(says)
    assert found.startswith(says)


@pytest.mark.parametrize("source", ["null", "5", '"\\ud800"', '["\\ud800", 1]', "{}"])
def test_a_cell_without_a_text_that_a_file_can_hold_is_no_fault_of_ours(source):
    content = f'{{"cells": [{{"cell_type": "code", "source": {source}}}]}}'.encode()
    assert isinstance(repair.essence(content), bytes)
    assert all(text.encode() is not None for text in repair.cells(content))
    assert "is a notebook" in repair.script(content, "layers.py", "layers.py", lambda text: "").fault
