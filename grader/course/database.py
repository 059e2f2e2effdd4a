"""The gradebook's file: creates, opens and migrates it, writes in transactions, and explains SQLite's errors."""

from __future__ import annotations

import hashlib
import math
import os
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from grader.errors import UsageError
from grader.files import printable

T = TypeVar("T")
FILE = "gradebook.sqlite"
REPORTS = "reports"  # the folder beside it with a page for each student
EXPORTS = "export"  # the folder beside it with what other systems take
PATIENCE = 30.0  # seconds to wait while another process writes

# Entry N migrates a gradebook from version N to N + 1. Never edit a released entry: add a new one.
MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        began TEXT NOT NULL,
        ended TEXT,
        seed INTEGER NOT NULL,
        due TEXT,
        late TEXT,
        settings TEXT NOT NULL
    );
    CREATE TABLE submissions (
        run INTEGER NOT NULL REFERENCES runs,
        student TEXT NOT NULL,
        name TEXT NOT NULL,
        ids TEXT NOT NULL,
        path TEXT,
        digest TEXT,
        submitted_at TEXT,
        marked_late INTEGER NOT NULL,
        others TEXT NOT NULL,
        problem TEXT NOT NULL,
        PRIMARY KEY (run, student)
    );
    CREATE TABLE results (key TEXT PRIMARY KEY, task TEXT NOT NULL, document TEXT NOT NULL, recorded TEXT NOT NULL);
    CREATE TABLE reports (
        run INTEGER NOT NULL REFERENCES runs,
        student TEXT NOT NULL,
        document TEXT NOT NULL,
        recorded TEXT NOT NULL,
        PRIMARY KEY (run, student)
    );
    CREATE TABLE adjustments (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        item TEXT NOT NULL,
        points REAL NOT NULL,
        author TEXT NOT NULL,
        time TEXT NOT NULL,
        reason TEXT NOT NULL
    );
    CREATE TABLE pages (path TEXT PRIMARY KEY, digest TEXT NOT NULL);
    """,
    # marked_late is NULL if the platform marks nothing. Before, it was 0, which also meant that nobody was late.
    """
    CREATE TABLE submitted (
        run INTEGER NOT NULL REFERENCES runs,
        student TEXT NOT NULL,
        name TEXT NOT NULL,
        ids TEXT NOT NULL,
        path TEXT,
        digest TEXT,
        submitted_at TEXT,
        marked_late INTEGER,
        others TEXT NOT NULL,
        problem TEXT NOT NULL,
        PRIMARY KEY (run, student)
    );
    INSERT INTO submitted SELECT * FROM submissions;
    UPDATE submitted SET marked_late = NULL WHERE run NOT IN (SELECT run FROM submissions WHERE marked_late);
    DROP TABLE submissions;
    ALTER TABLE submitted RENAME TO submissions;
    """,
    # An adjustment without points revokes the earlier ones.
    """
    CREATE TABLE adjusted (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        item TEXT NOT NULL,
        points REAL,
        author TEXT NOT NULL,
        time TEXT NOT NULL,
        reason TEXT NOT NULL
    );
    INSERT INTO adjusted SELECT * FROM adjustments;
    DROP TABLE adjustments;
    ALTER TABLE adjusted RENAME TO adjustments;
    """,
    # A task's document is stored once, by its digest; reports and results refer to it.
    """
    CREATE TABLE tasks (digest TEXT PRIMARY KEY, document TEXT NOT NULL);
    INSERT OR IGNORE INTO tasks
        SELECT digest(value), value FROM reports, json_each(reports.document, '$.tasks');
    INSERT OR IGNORE INTO tasks
        SELECT digest(json_extract(document, '$.task')), json_extract(document, '$.task') FROM results;
    UPDATE reports SET document = json_set(document, '$.tasks', json(
        (SELECT json_group_array(digest(value)) FROM json_each(reports.document, '$.tasks'))));
    UPDATE results SET document = json_set(document, '$.task', digest(json_extract(document, '$.task')));
    """,
    # A student's own due date, and the path of each file in the submission.
    """
    ALTER TABLE submissions ADD COLUMN due TEXT;
    ALTER TABLE submissions ADD COLUMN origin TEXT NOT NULL DEFAULT '{}';
    """,
    # A person's decision on which file counts as the wanted one; without a file, it revokes the earlier decision. The
    # files that the last batch saw are stored, so that a mistyped name is reported at once.
    """
    CREATE TABLE takes (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        file TEXT,
        name TEXT NOT NULL,
        author TEXT NOT NULL,
        time TEXT NOT NULL,
        reason TEXT NOT NULL
    );
    CREATE TABLE seen (student TEXT PRIMARY KEY, files TEXT NOT NULL);
    """,
    # What students may see of a run, what was returned to whom, and the secret key of a run's pseudonyms.
    """
    CREATE TABLE releases (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs,
        item TEXT NOT NULL,
        released INTEGER NOT NULL,
        author TEXT NOT NULL,
        time TEXT NOT NULL
    );
    CREATE TABLE returned (
        platform TEXT NOT NULL,
        student TEXT NOT NULL,
        digest TEXT NOT NULL,
        time TEXT NOT NULL,
        PRIMARY KEY (platform, student)
    );
    CREATE TABLE keys (run INTEGER PRIMARY KEY REFERENCES runs, key TEXT NOT NULL);
    """,
    # What people do on the review page. An adjustment of it belongs to a step; `base` are the points before its
    # comments, `own` is what the person typed. A comment is known by the number of its first wording, and its last one
    # counts. An answer without `granted` opens its request again.
    """
    ALTER TABLE adjustments ADD COLUMN base REAL;
    ALTER TABLE adjustments ADD COLUMN comments TEXT;
    ALTER TABLE adjustments ADD COLUMN own TEXT;
    ALTER TABLE adjustments ADD COLUMN step TEXT;
    ALTER TABLE adjustments ADD COLUMN undoes INTEGER;
    CREATE TABLE wordings (
        id INTEGER PRIMARY KEY,
        comment INTEGER REFERENCES wordings,
        item TEXT NOT NULL,
        text TEXT NOT NULL,
        points REAL NOT NULL,
        author TEXT NOT NULL,
        time TEXT NOT NULL
    );
    CREATE TABLE remarks (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        item TEXT NOT NULL,
        place TEXT NOT NULL,
        text TEXT NOT NULL,
        author TEXT NOT NULL,
        time TEXT NOT NULL,
        gone TEXT
    );
    CREATE TABLE requests (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        item TEXT NOT NULL,
        text TEXT NOT NULL,
        author TEXT NOT NULL,
        time TEXT NOT NULL
    );
    CREATE TABLE answers (
        id INTEGER PRIMARY KEY,
        request INTEGER NOT NULL REFERENCES requests,
        granted INTEGER,
        adjustment INTEGER REFERENCES adjustments,
        points REAL,
        reason TEXT NOT NULL,
        author TEXT NOT NULL,
        time TEXT NOT NULL
    );
    CREATE TABLE extensions (
        id INTEGER PRIMARY KEY,
        student TEXT NOT NULL,
        team TEXT NOT NULL,
        due TEXT,
        days INTEGER,
        author TEXT NOT NULL,
        time TEXT NOT NULL,
        reason TEXT NOT NULL
    );
    """,
    # What a report of a run was before the run was gone on with: a person may have decided on it.
    """
    CREATE TABLE replaced (
        run INTEGER NOT NULL REFERENCES runs,
        student TEXT NOT NULL,
        document TEXT NOT NULL,
        recorded TEXT NOT NULL
    );
    """,
    # Whether the class list does not name the student.
    """
    ALTER TABLE submissions ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0;
    """,
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Connection(sqlite3.Connection):
    """Every text that is written, or asked for, goes through the gate."""

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        return super().execute(statement, [printable(one) if isinstance(one, str) else one for one in values])


class Database:
    """FOLDER/gradebook.sqlite in WAL mode. Raises UsageError for errors that a user can fix."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.connection = connection
        self.file = (folder / FILE).stat()

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Open the folder's gradebook; create it if it does not exist."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot create {folder} ({error.strerror}); choose another folder with --out") from None
        return cls.connect(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the folder's existing gradebook; read-only if it cannot be written."""
        if folder.is_file():
            raise UsageError(f"{folder} is a file; name the folder that holds the {FILE}")
        if not (folder / FILE).is_file():
            refuse_lost(folder)
            out = shlex.quote(str(folder))
            raise UsageError(
                f"{folder} contains no {FILE}; make one with `python grade.py batch SUBMISSIONS --out {out}`"
            )
        if os.access(folder, os.W_OK) and os.access(folder / FILE, os.W_OK):
            return cls.connect(folder)
        # If there is a log (WAL), SQLite must create a file in the folder. If there is none, nobody is writing.
        return cls.connect(folder, "mode=ro" if (folder / f"{FILE}-wal").exists() else "mode=ro&immutable=1")

    @classmethod
    def connect(cls, folder: Path, how: str = "mode=rwc") -> Self:
        path = folder / FILE
        if not path.exists() or (path.is_file() and path.stat().st_size == 0):
            refuse_lost(folder)
        with told(folder):
            uri = f"{path.absolute().as_uri()}?{how}"
            connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, factory=Connection)
            connection.create_function("digest", 1, digest, deterministic=True)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")  # durable even if the power fails
                database = cls(folder, connection)
                database.migrate()
            except BaseException:
                connection.close()
                raise
        return database

    def close(self) -> None:
        self.connection.close()

    def migrate(self) -> None:
        if self.version() > len(MIGRATIONS):
            raise UsageError(f"{self.folder / FILE} was made by a newer version; use that version, or another --out")
        if self.version() < len(MIGRATIONS):
            with self.writing() as connection:
                for at in range(self.version(), len(MIGRATIONS)):  # read again: another process may have been first
                    for statement in MIGRATIONS[at].split(";\n"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def version(self) -> int:
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is stored, or nothing."""
        with told(self.folder):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.expect_there()
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def expect_there(self) -> None:
        """Raise UsageError if the file was deleted or replaced since it was opened: what is written goes nowhere."""
        path = self.folder / FILE
        try:
            same = os.path.samestat(path.stat(), self.file)
        except OSError:
            same = False
        if not same:
            raise UsageError(
                f"{path} was moved or replaced, so nothing was recorded; put it back, and start this again"
            )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a query finds."""
        with told(self.folder):
            return self.sound(self.connection.execute(query, values).fetchall())

    def sound(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The same rows. Raises UsageError for bytes, which no column holds."""
        if any(isinstance(value, bytes) for row in rows for value in row):
            raise UsageError(TOLD["SQLITE_CORRUPT"].format(path=self.folder / FILE))
        return rows

    def read(self, read: Callable[[tuple[Any, ...]], T], query: str, *values: object) -> list[T]:
        """What `read` makes of each row that a query finds. Raises UsageError for a row that is not as written."""
        try:
            return [read(row) for row in self.rows(query, *values)]
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise UsageError(f"{TOLD['SQLITE_CORRUPT'].format(path=self.folder / FILE)} ({error})") from None


def finite(value: Any) -> float | None:
    """Points as a person gave them; None takes others back. Raises ValueError or TypeError for anything else."""
    points = None if value is None else float(value)
    if points is not None and not math.isfinite(points):
        raise ValueError("points have to be finite")
    return points


def refuse_lost(folder: Path) -> None:
    """Raise UsageError where a gradebook was, and is not: what people decided is not begun anew in silence."""
    if (folder / REPORTS).is_dir() or (folder / f"{FILE}-wal").exists():
        state = "is empty, but it was not" if (folder / FILE).exists() else "is gone, but not what was made with it"
        raise UsageError(f"{folder / FILE} {state}; restore its last backup, or choose another --out")


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Raise SQLite's errors as UsageError with a sentence. Earlier records stay intact."""
    path = folder / FILE
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter for a message that quotes damaged bytes
        undecoded = isinstance(error, UnicodeDecodeError) or str(error).startswith("Could not decode")
        name = "SQLITE_CORRUPT" if undecoded else getattr(error, "sqlite_errorname", "")
        raise UsageError(next((says.format(path=path) for kind, says in TOLD.items() if name.startswith(kind)),
                              f"{path} cannot be used: {error}")) from None  # fmt: skip


FULL = "{path}: the disk is full; free some space and run this again: everything recorded so far is kept"
TOLD = {
    "SQLITE_FULL": FULL,
    "SQLITE_IOERR_SHMSIZE": FULL,  # there is no room for the log's index, which reading makes, too
    "SQLITE_IOERR": "cannot write {path} (input/output error); check the disk: everything recorded so far is kept",
    "SQLITE_READONLY": "cannot write {path}; make its folder writable",
    "SQLITE_CANTOPEN": "cannot open {path}; make its folder writable",
    "SQLITE_BUSY": "{path} is in use by another process; wait for it, then try again",
    "SQLITE_NOTADB": "{path} is not a gradebook; move it away, or choose another folder with --out",
    "SQLITE_CORRUPT": "{path} is damaged; restore its last backup, or choose another folder with --out",
}
