"""A class list: the students of a class with their ids, groups and submission times.

Any table with a column of ids or names works: a platform's export, or one made by hand. Column titles are compared only
by letters and digits, so "First Name", "first_name" and "FirstName" are equal.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from grader.course.times import says_nothing
from grader.errors import UsageError

EMAIL_COLUMNS = ("Email", "Email address", "E-Mail-Adresse", "Adresse de courriel", "Adresse e-mail", "Mail",
                 "Dirección de correo", "Dirección de correo electrónico", "Indirizzo email", "Endereço de email",
                 "E-mailadres", "Adres e-mail", "E-postadress", "Адрес электронной почты")  # fmt: skip
ID_COLUMNS = ("SIS Login ID", "github_username", *EMAIL_COLUMNS[:2], "SID", "Student ID", "student_id",
              "SIS User ID", "ID number", "Identifier", "ID", "user_id", "username", "login_id", "NetID",
              "roster_identifier", "OrgDefinedId", *EMAIL_COLUMNS[2:],
              "login", "user", "Student number", "Student No", "Matrikelnummer", "Matrikelnr", "Matrikel",
              "Matricola", "Matrícula", "Numéro étudiant", "Studentnummer", "Roll number", "Roll No",
              "Registration number", "Enrollment number", "Enrolment number", "Candidate number", "University ID",
              "Campus ID", "Banner ID", "CWID", "PID", "UID", "EID", "zID")  # fmt: skip
GROUP_COLUMNS = ("Group", "Groups", "group_name", "Team", "team_name", "Gruppe", "Groupe", "Grupo", "Gruppo", "Groep")
FIRST_NAMES = ("First name", "Given name", "Vorname", "Prénom", "Nombre", "Nome", "Voornaam", "Imię", "Förnamn", "Имя",
               "名")  # fmt: skip
LAST_NAMES = ("Last name", "Surname", "Family name", "Nachname", "Nom", "Apellido(s)", "Cognome", "Sobrenome",
              "Apelido", "Achternaam", "Nazwisko", "Efternamn", "Фамилия", "姓")  # fmt: skip
# A title of a whole name needs those of Moodle's times in its language, which say that something was handed in.
NAMES = ("Name", "Full name", "Student", "student_name", "Vollständiger Name", "Nom complet", "Nombre completo",
         "Nome completo", "Volledige naam", "Полное имя", "ФИО", "姓名", "全名")  # fmt: skip
TIME_COLUMNS = ("submitted_at", "Last modified (submission)", "submission_timestamp", "Submission Time", "Submitted",
                "timestamp", "datetime", "Zuletzt geändert (Abgabe)", "Dernière modification (travail remis)",
                "Dernière modification (remise)", "Última modificación (entrega)", "Fecha de entrega",
                "Ultima modifica (consegna)", "Última modificação (envio)", "Laatst gewijzigd (inzending)",
                "Последнее изменение (ответ)", "上次修改（作业）")  # fmt: skip
STATUS_COLUMNS = ("Status", "Submission status", "Statut", "Estado", "Stato")
ROLE_COLUMNS = ("Role", "Roles", "Course role", "Role in course", "Rolle", "Rôle", "Rol")
STAFF = re.compile(
    r"\b(?:teachers?|instructors?|tas?|assistants?|graders?|readers?|observers?|designers?|managers?|staff|admin\w*|"
    r"tutors?|professors?|lecturers?|faculty|coordinators?|owners?|lehr\w*|trainer\w*|dozent\w*|enseignant\w*|"
    r"profesor\w*|docent\w*)\b",
    re.IGNORECASE,
)
STUDENT = re.compile(r"\b(?:students?|learners?|teilnehmer\w*|studier\w*|étudiant\w*|estudiante\w*)\b", re.IGNORECASE)
SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)  # the first line that Excel reads, quoted by some
QUOTED = re.compile(r'"[^"]*"')
LONGEST = 100_000  # characters of a first line
TEXT_FORMULA = re.compile(r'^="(.*)"$', re.DOTALL)
WORKBOOKS = (b"PK\3\4", b"\xd0\xcf\x11\xe0")  # how files of Excel, LibreOffice and Numbers begin
ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
FLOAT = re.compile(r"(\d+)\.0")  # a whole number, as programs write it where another cell of its column is empty
POINTS_POSSIBLE = "points possible"  # a row of Canvas's export that is not a student
DRAFT = "draft"
SUBMISSION = "submission_tag"  # a column of which no other list has one
NO_SUBMISSION = re.compile(r"\b(?:no|not|nothing|missing|without)\b", re.IGNORECASE)
SUBMITTED = re.compile(r"\b(?:submitted|handed in|turned in|graded|ungraded|zur bewertung abgegeben)\b", re.IGNORECASE)


def read_roster(path: Path) -> list[dict[str, str]]:
    """The rows of a class list; rows that are not students are left out.

    Raises UsageError if the file is not a table of students.
    """
    rows = [row for row in read_table(path, "the class list", "--roster") if not is_nobody(row)]
    if rows and is_canvas(rows[0]) and any(map(has_canvas_id, rows)):
        rows = [row for row in rows if has_canvas_id(row)]  # rows of points and posting, in any language
    for title in {title for row in rows for title in row if is_id_column(title)}:
        if all(FLOAT.fullmatch(row[title]) for row in rows if row[title]):
            rows = [row | {title: FLOAT.sub(r"\1", row[title])} for row in rows]
    rows = joined(latest(rows))
    if rounded := next((id_ for row in rows for id_ in ids_of(row) if ROUNDED.fullmatch(id_)), ""):
        cure = "export the list again, and open it in no spreadsheet"
        raise UsageError(f"{path} has the id {rounded}, as a spreadsheet rounds a long number; {cure}")
    if not rows:
        raise UsageError(f"{path} names no student; its first line should name columns such as name, email or ID")
    return rows


def latest(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Classroom 50's `scores.csv` has a row per submission: those of each student's newest. Other lists as they are."""
    if not any(column(row, SUBMISSION) for row in rows):
        return rows
    ordered = sorted(rows, key=time_told)  # in ISO 8601, all in UTC
    return list({ids_of(row): row for row in ordered}.values())


def joined(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """One row for each student. Rows with the same name and ids, such as those of two sections, become one with the
    cells of both. If their roles differ, or what they say about the work, both stay, and a person is asked."""
    found: list[dict[str, str]] = []
    known: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        ids = ids_of(row)
        alike = known.setdefault((full_name(row), *ids) if any(ids) else tuple(row.values()), [])
        one = next((one for one in alike if not contradict(one, row)), None)
        if one is None:
            alike.append(row)
            found.append(row)
            continue
        for key, value in row.items():
            if value not in ("", one[key], *re.split(r"[,;] *", one[key])):
                one[key] = f"{one[key]}; {value}" if one[key] else value
    return found


def contradict(one: Mapping[str, str], row: Mapping[str, str]) -> bool:
    """Whether two rows have different values in a column of roles, states or times."""
    read = set(map(key_of, (*ROLE_COLUMNS, *STATUS_COLUMNS, *TIME_COLUMNS)))
    return any(value and one[key] and value != one[key] and key_of(key) in read for key, value in row.items())


def read_table(path: Path, what: str, option: str) -> list[dict[str, str]]:
    """The rows of a CSV as dicts; the keys come from its first line. Raises UsageError that says how to fix it."""
    return [row for _, row in read_lines(path, what, option)]


def read_lines(path: Path, what: str, option: str) -> list[tuple[int, dict[str, str]]]:
    """As `read_table`; each row with the number of the line on which it begins, as an editor counts."""
    text = decoded(path, what, option)
    own, whole = (given[1], text[given.end() :]) if (given := SEPARATOR.match(text)) else ("", text)
    above = text.count("\n", 0, len(text) - len(whole.lstrip("\r\n")))
    if not whole.strip():
        raise UsageError(f"{path} is empty; save {what} as CSV in UTF-8")
    whole = whole.lstrip("\r\n")
    bare_titles = QUOTED.sub("", whole[:LONGEST]).splitlines()[0]  # a title such as "HW 1, part a" holds separators
    delimiter = own or max(",;\t|", key=bare_titles.count)
    lines = csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    found, at = list[tuple[int, dict[str, str]]](), 0
    try:
        titles = [title.strip() for title in next(lines)]
        read = [title for title in titles if is_read(title)]
        if twice := [title for title in read if sum(key_of(other) == key_of(title) for other in read) > 1]:
            raise UsageError(f"{path} has two columns {' and '.join(twice[:2])}; rename or delete one of them")
        at = lines.line_num
        for cells in lines:
            if any(cells[len(titles) :]):
                cure = "put quotes around a cell that holds this sign, or name each column"
                raise UsageError(f"{path}, line {above + at + 1}, has more {delimiter!r} than the titles; {cure}")
            if cells:
                filled = zip_longest(titles, cells[: len(titles)], fillvalue="")
                found.append((above + at + 1, {title: bare(cell) for title, cell in filled if title}))
            at = lines.line_num
        if not found and not read:
            raise UsageError(f"{path} holds one line, which names no column; put the titles of its columns above it")
        return found
    except csv.Error as error:
        told = f"{path}, line {above + at + 1}, is not CSV ({error}: is a quote missing?)"
        raise UsageError(f"{told}; save {what} as CSV in UTF-8") from None


def bare(cell: str) -> str:
    """A cell's text; also of ="007", as a spreadsheet is told to keep zeros."""
    return TEXT_FORMULA.sub(r"\1", cell.strip())


def decoded(path: Path, what: str, option: str, form: str = "CSV") -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name {what} with {option}") from None
    if data.startswith(WORKBOOKS):
        raise UsageError(f"{path} is a workbook, not text; open it and save {what} as {form} in UTF-8")
    try:
        if b"\0" in data[:2]:  # UTF-16 that does not say so
            return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le")
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8; save {what} as {form} in UTF-8") from None


@lru_cache(maxsize=256)
def is_read(title: str) -> bool:
    """Whether a column's cells count. Two such columns with one title would overwrite each other."""
    about = (*ID_COLUMNS, *GROUP_COLUMNS, *ROLE_COLUMNS, *STATUS_COLUMNS, *TIME_COLUMNS)
    return is_name_column(title) or key_of(title) in map(key_of, about)


@lru_cache(maxsize=256)
def is_name_column(title: str) -> bool:
    return key_of(title) in map(key_of, (*FIRST_NAMES, *LAST_NAMES, *NAMES))


def is_id_column(title: str) -> bool:
    return key_of(title) in map(key_of, ID_COLUMNS)


def ids_of(row: Mapping[str, str]) -> tuple[str, ...]:
    """The cells of all columns of ids."""
    return tuple(value for key, value in row.items() if is_id_column(key))


def is_nobody(row: Mapping[str, str]) -> bool:
    """Whether a row is not a student: Canvas's rows of points and posting, rows without a name and an id, and titles
    that stand there again."""
    if full_name(row).casefold().startswith(POINTS_POSSIBLE) or all(
        key_of(value) in ("", key_of(title)) for title, value in row.items()
    ):
        return True
    return not (full_name(row) or column(row, *ID_COLUMNS))


def is_canvas(row: Mapping[str, str]) -> bool:
    return {"id", "sisloginid", "section"} <= set(map(key_of, row))


def has_canvas_id(row: Mapping[str, str]) -> bool:
    return bool(column(row, "ID", "SIS User ID", "SIS Login ID"))


def is_test_student(row: Mapping[str, str]) -> bool:
    """Whether a row is Canvas's test student, which the staff use to view a course."""
    parts = (column(row, "LastName"), column(row, "FirstName"))
    return row.get("Student") == "Student, Test" or (is_canvas(row) and parts == ("Student", "Test"))


def is_staff(row: Mapping[str, str]) -> bool:
    role = column(row, *ROLE_COLUMNS)
    return bool(STAFF.search(role)) and not STUDENT.search(role)


def column(row: Mapping[str, str], *names: str) -> str:
    """The first non-empty cell of these columns. Titles are compared by `key_of`."""
    folded: dict[str, str] = {}
    for key, value in row.items():
        if value:
            folded.setdefault(key_of(key), value)
    return next((folded[key_of(name)] for name in names if key_of(name) in folded), "")


@lru_cache(maxsize=4096)
def key_of(name: str) -> str:
    """The letters and digits of a title or a group's name, for comparison."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", name)).casefold()


def full_name(row: Mapping[str, str]) -> str:
    return column(row, *NAMES) or f"{column(row, *FIRST_NAMES)} {column(row, *LAST_NAMES)}".strip() or roster_name(row)


def roster_name(row: Mapping[str, str]) -> str:
    """A student's name in GitHub Classroom's own roster."""
    classroom = any(key_of(key) == "githubusername" for key in row)
    return column(row, "roster_identifier", "identifier") if classroom else ""


def groups_of(row: Mapping[str, str]) -> list[str]:
    """The names of a row's groups: the whole cell, and its parts if it is a list."""
    cell = column(row, *GROUP_COLUMNS)
    return list(dict.fromkeys(name for name in (cell, *map(str.strip, re.split(r"[,;]", cell))) if name))


def time_told(row: Mapping[str, str]) -> str:
    """The cell with the submission time, or ""."""
    told = column(row, *TIME_COLUMNS)
    return "" if says_nothing(told) else told


def is_draft(row: Mapping[str, str]) -> bool:
    return DRAFT in column(row, *STATUS_COLUMNS).casefold()


def says_handed_in(row: Mapping[str, str]) -> str:
    """The text of the cell that says that something was handed in, or ""."""
    status, at = column(row, *STATUS_COLUMNS), time_told(row)
    if is_draft(row) or (SUBMITTED.search(status) and not NO_SUBMISSION.search(status)):
        return status
    return at
