"""Reports on sales: files, texts, sets, what is printed, and exceptions."""

import json

import numpy as np

from grader.check import Subject, check
from grader.measure.expect import expect_equal, expect_raises

ROWS = [("North", "Mon", 1.5), ("South, old", "Mon", 2.0), ("North", "Tue", 4.0), ("North", "Mon", 2.25)]


def laid(hw: Subject, rng: np.random.Generator) -> tuple[str, list[tuple[str, str, float]]]:
    """A file with the rows in another order, where the student's code runs."""
    rows = [ROWS[at] for at in rng.permutation(len(ROWS))]
    lines = [f'"{shop}",{day},{amount}' for shop, day, amount in rows]
    hw.put_file("sales/in.csv", "\n".join(["shop,day,amount", *lines]))
    return "sales/in.csv", rows


@check("1.1", "sales.read_rows")
def rows_of_a_file(hw: Subject, rng: np.random.Generator) -> None:
    """read_rows yields shop, day and amount of each row."""
    path, rows = laid(hw, rng)
    expect_equal(hw, "the rows", list(hw.sales.read_rows(path)), rows)


@check("1.1", "sales.read_rows")
def bad_files(hw: Subject, rng: np.random.Generator) -> None:
    """read_rows gives the rows above a bad amount, then raises BadAmount; without a file, FileNotFoundError."""
    hw.put_file("bad.csv", "shop,day,amount\nA,Mon,1\nB,Mon,one\n")
    rows = hw.sales.read_rows("bad.csv")
    expect_equal(hw, "the first row", next(rows), ("A", "Mon", 1.0))
    expect_raises(hw, "a bad amount", lambda: next(rows), "BadAmount")
    expect_raises(hw, "no file", lambda: list(hw.sales.read_rows("none.csv")), FileNotFoundError)


@check("1.2", "sales.totals")
def sums(hw: Subject, rng: np.random.Generator) -> None:
    """totals adds up the amounts of each shop and day."""
    expect_equal(hw, "the totals", hw.sales.totals(ROWS), hw.reference.sales.totals(ROWS))


@check("1.2", "sales.shops")
def names(hw: Subject, rng: np.random.Generator) -> None:
    """shops is the set of all shops."""
    expect_equal(hw, "the shops", hw.sales.shops(ROWS), {"North", "South, old"})


@check("1.3", "sales.report")
def printed(hw: Subject, rng: np.random.Generator) -> None:
    """report prints a line for each shop and day."""
    hw.sales.report(laid(hw, rng)[0], "days.json")
    expect_equal(hw, "what is printed", hw.printed(), "North Mon: 3.75\nNorth Tue: 4.00\nSouth, old Mon: 2.00\n")


@check("1.3", "sales.report")
def written(hw: Subject, rng: np.random.Generator) -> None:
    """report writes the days of each shop as JSON."""
    hw.sales.report(laid(hw, rng)[0], "written.json")
    days = json.loads(hw.fetch_file("written.json"))
    expect_equal(hw, "written.json", days, {"North": ["Mon", "Tue"], "South, old": ["Mon"]})


@check("1.4", "sales.greet")
def asked(hw: Subject, rng: np.random.Generator) -> None:
    """greet asks until there is a name."""
    replies, questions = iter(["", "  ", "Ada "]), []
    hw.sales.input = lambda question="": questions.append(question) or next(replies)
    hw.sales.greet()
    expect_equal(hw, "the number of questions", len(questions), 3)
    assert "Hello, Ada!" in hw.printed(), "Ada is not greeted"


@check("1.5", "sales.command")
def commanded(hw: Subject, rng: np.random.Generator) -> None:
    """command leaves where there are not two words, and reports else."""
    expect_raises(hw, "command of one word", lambda: hw.sales.command(["in.csv"]), SystemExit)
    expect_equal(hw, "what is printed", hw.printed(), "")
    hw.sales.command([laid(hw, rng)[0], "commanded.json"])
    assert hw.fetch_file("commanded.json"), "the file is empty"
