"""What code holds that is no code: a person is asked where it is from."""

from __future__ import annotations

import pytest

from grader.homework import data_in_code


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import numpy as np", []),
        (f'"""{"epoch 1: loss 2.3 " * 800}"""', []),
        (
            f'"""{"ab cd ef " * 2000}"""',
            ["train.py holds a text of 18,000 characters; what is that, and where is it from?"],
        ),
        (f"W = {[*range(2000)]}", ["train.py holds 2,000 numbers; what is that, and where is it from?"]),
        (f"# {'x' * 5000}", ["train.py holds a text of 5,002 characters; what is that, and where is it from?"]),
        ("import __main__", ["train.py reaches into the program that runs it (__main__); what for?"]),
        ("x = (", []),
    ],
)
def test_a_file_that_holds_data_or_seeks_what_runs_it_is_asked_about(source, says):
    assert data_in_code.of_files({"train.py": source.encode()}) == says
