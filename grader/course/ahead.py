"""Imported where the processes of a pool are forked from: it loads the homework there, so that they need not.

The folder comes in the environment, because multiprocessing imports this by name.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from grader.course.job import STARTED, homework_at
from grader.course.pool import HOMEWORK
from grader.course.result_keys import changed_since
from grader.errors import BackgradeError

if folder := os.environ.get(HOMEWORK):
    with suppress(BackgradeError):  # each job says what it is
        changed_since(homework_at(Path(folder)), STARTED)  # reads all code, and keeps what it imports
