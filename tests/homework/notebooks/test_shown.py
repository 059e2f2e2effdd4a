"""Which cell a picture goes to that another cell only shows."""

from __future__ import annotations

from grader.homework.notebooks.notebook import Cell, Notebook, Output
from grader.homework.notebooks.shown import where_drawn

DRAWS = "fig, ax = plt.subplots()\nax.plot(train_acc)\nfig.savefig('curves.png')"
SHOWS = "Image('curves.png')"


def pictures(*cells: tuple[str, str]) -> list[str]:
    """The pictures of each cell, one letter each, after they went where they were drawn."""
    made = [
        Cell(at, source, at, tuple(Output("image", image=one.encode()) for one in images))
        for at, (source, images) in enumerate(cells, 1)
    ]
    found = where_drawn(Notebook("part1.ipynb", tuple(made)))
    return ["".join(one.image.decode() for one in cell.outputs) for cell in found.cells]


def test_a_picture_goes_to_the_cell_that_saved_it_or_made_the_figure():
    assert pictures((DRAWS, ""), (SHOWS, "a")) == ["a", ""]
    assert pictures((DRAWS, ""), ("fig", "a")) == ["a", ""]
    assert pictures((DRAWS, ""), ("Image('other.png')", "a")) == ["", "a"]


def test_it_comes_from_a_later_cell_and_each_cell_gets_one_that_has_none():
    assert pictures((SHOWS, "a"), (DRAWS, "")) == ["a", ""]
    assert pictures((DRAWS, ""), (SHOWS, "a"), (SHOWS, "b")) == ["a", "", "b"]
    assert pictures((DRAWS, "x"), (SHOWS, "a")) == ["x", "a"]


def test_a_cell_that_does_more_keeps_its_own():
    assert pictures((DRAWS, ""), ("train(net)\n" + SHOWS, "a")) == ["", "a"]
