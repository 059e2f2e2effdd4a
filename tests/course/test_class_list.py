"""Class lists written in every way, and who of them is nobody."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest

from grader.course.caveats import odd_rows
from grader.course.class_folder import recognise
from grader.course.class_list import in_another_form
from grader.course.export import nbgrader
from grader.course.people import find
from grader.course.roster import column, read_roster
from grader.errors import UsageError
from grader.model import Row, Student

COMPOSED, APART = (unicodedata.normalize(form, "müller@x") for form in ("NFC", "NFD"))


@pytest.fixture
def read(tmp_path):
    def made(roster, *names, encoding="utf-8"):
        for name in names:
            (tmp_path / "in" / name).mkdir(parents=True)
            (tmp_path / "in" / name / "functions.py").touch()
        (tmp_path / "roster.csv").write_bytes(roster.encode(encoding))
        return {one.id: one for one in recognise(tmp_path / "in", roster=tmp_path / "roster.csv")}

    return made


def test_every_kind_of_space_in_a_name_is_a_space(read):
    found = read('Name,username\n"Ada\u00a0Lovelace",ada\n"李\u3000伟",li\nBo\u2009Ek,bo\n', "ada", "Bo\u00a0Ek")
    assert {id_: one.name for id_, one in found.items()} == {"ada": "Ada Lovelace", "li": "李 伟", "Bo-Ek": "Bo Ek"}
    assert all(not one.unlisted for one in found.values())


def test_a_name_counts_whatever_its_column_is_called(read):
    found = read(
        '"Last, First",Student No\n"Doe, Jane",1\n"Ek, Bo",2\n"Garcia, Jose",3\n', "Jane Doe", "ek_bo", "José García"
    )
    assert {id_ for id_, one in found.items() if one.parts and not one.unlisted} == {"Jane-Doe", "ek_bo"}
    assert [one.problem[:36] for one in found.values() if not one.parts] == [
        "José García may belong to this studen"[:36]
    ]


@pytest.mark.parametrize(
    "titles",
    ["Nome;Cognome;Indirizzo email", "Imię;Nazwisko;Adres e-mail", "Имя;Фамилия;Адрес электронной почты",
     "Voornaam;Achternaam;E-mailadres", "Förnamn;Efternamn;E-postadress", "Nombre;Apellido(s);Dirección de correo"],
)  # fmt: skip
def test_titles_are_in_any_of_these_languages(read, titles):
    found = read(f"\ufeff{titles}\nAda;Lo;ada@x.org\nBo;Ek;bo@x.org\n", "lo ada", "bo@x.org")
    assert {id_: (one.name, bool(one.parts)) for id_, one in found.items()} == {
        "lo-ada": ("Ada Lo", True), "bo@x.org": ("Bo Ek", True)
    }  # fmt: skip
    assert nbgrader.line(Row(found["lo-ada"], None, None))[2:6] == ["lo-ada", "Lo", "Ada", "ada@x.org"]


def test_a_row_with_more_cells_than_titles_is_no_row(read):
    with pytest.raises(UsageError, match=r"roster.csv, line 3, has more ',' than the titles; put quotes around a cell"):
        read("name,id\nAda,101\nDoe, Jane,102\n", "101", "102")
    assert read("name,id\nAda,101,,\nBo,102,\n").keys() == {"101", "102"}


def test_a_quote_may_follow_a_space_and_a_title_hold_separators(read):
    found = read('id; name; "HW 1, a, b, c, d (55)"\n"ada"; "Lo, Ada"; 3\n"bo"; "Ek, Bo";\n', "ada", "bo")
    assert {id_: one.name for id_, one in found.items()} == {"ada": "Lo, Ada", "bo": "Ek, Bo"}


def test_an_id_that_is_another_ones_name_is_an_id(read):
    found = read("id,name\nkim,Lee Park\nx7,Kim\n", "kim", "x7")
    assert [(one.name, one.problem) for one in found.values()] == [("Lee Park", ""), ("Kim", "")]


def test_a_section_is_nobodys_id(read):
    rows = "".join(f"{at},S{at} T{at},{1 + at % 3}\n" for at in range(1, 7))
    found = read(f"id,name,section\n{rows}", *map(str, range(1, 7)))
    assert {id_: one.name for id_, one in found.items()} == {f"{at}": f"S{at} T{at}" for at in range(1, 7)}


@pytest.mark.parametrize(
    ("role", "stays"),
    [
        ("Teacher", False), ("Non-editing teacher", False), ("TA", False), ("Instructor", False),
        ("Course Designer", False),
        ("Trainer/in", False), ("Student", True), ("Learner", True), ("Student, TA", True), ("", True), ("Data", True),
    ],
)  # fmt: skip
def test_staff_need_not_hand_in(read, role, stays):
    found = read(f'Name,username,Role\nAda,ada,Student\nPat,pat,"{role}"\n', "ada")
    assert ("pat" in found) is stays


@pytest.mark.parametrize(
    ("titles", "rows", "told"),
    [
        (
            "id,name",
            ["ada,Ada", "bo,Bo", "cy,Cy", "Total,", ",Mean", "* repeats the course,"],
            ["* repeats the course", "Mean", "Total"],
        ),
        ("name", ["ada", "bo", "cy", "Averill", "Class average: 7"], ["Class average: 7"]),
        ("email", ["ada@x", "bo@x", "cy@x"], []),
        ("id,name", ["ada,Ada", ",Bo", ",Cy"], []),
    ],
)
def test_the_end_of_a_table_is_told(read, titles, rows, told):
    people = read("\n".join([titles, *rows]), "ada").values()
    assert sorted(odd_rows(Row(replace(one, path="in" if one.parts else None), None, None) for one in people)) == told


def test_staff_who_handed_in_are_graded(read):
    assert read("Name,username,Role\nAda,ada,Student\nPat,pat,TA\n", "ada", "pat")["pat"].parts


def test_a_group_of_folders_named_by_hand_is_its_members(read):
    found = read('Name,email,Groups\nAda,ada@x,"Team 1; Lab B"\nBo,bo@x,Team 1\nCy,cy@x,Team 2\n', "Team 1")
    assert {id_: bool(one.parts) for id_, one in found.items()} == {"ada@x": True, "bo@x": True, "cy@x": False}


@pytest.mark.parametrize(("folder", "theirs"), [("Team A", ["ada@x"]), ("team a", ["bo@x"]), ("Team-A", [])])
def test_a_group_that_is_spelled_otherwise_is_no_zero(read, folder, theirs):
    found = read("Name,email,Group\nAda,ada@x,Team A\nBo,bo@x,team a\nCy,cy@x,Team B\n", folder)
    assert [id_ for id_, one in found.items() if one.parts and not one.unlisted] == theirs
    told = f"{folder} may belong to this student's group; spell the group in the class list as that folder is named"
    assert [found[id_].problem for id_ in ("ada@x", "bo@x") if id_ not in theirs] == [told] * (2 - len(theirs))
    assert found["cy@x"].problem == ""


def test_one_who_handed_in_alone_may_have_done_so_for_the_group(read):
    found = read("Name,username,Team\nAda,ada,Red\nBo,bo,Red\nCy,cy,Lab\nDi,di,Lab\nEv,ev,Lab\n", "ada", "cy", "di")
    told = "only ada of this student's group handed in; if that is the group's work, name it Red"
    assert (found["bo"].problem, found["ev"].problem) == (told, "")  # of a lab's two, neither did so for all


def test_a_folder_named_after_a_student_is_no_groups(read):
    found = read("Name,email,Group\nAda L,ada@x,Bo Ek\nBo Ek,bo@x,Team 2\n", "Bo Ek")
    assert not found["ada@x"].parts
    assert found["Bo-Ek"].ids["email"] == "bo@x"


def test_a_table_in_utf_16_with_tabs_is_read(read):
    table = '"Last Name"\t"First Name"\t"Username"\t"Last Access"\nLovelace\tAda\tada\t2026-11-20\nEk\tBo\tbo\t\n'
    found = read(table, "ada", encoding="utf-16")  # fmt: skip
    assert (found["ada"].name, found["bo"].problem) == ("Ada Lovelace", "")


def test_titles_of_columns_are_compared_by_their_letters():
    row = {"E-Mail": "", "EMAIL": "ada@x", "First Name": "Ada"}
    assert (column(row, "Email"), column(row, "first_name"), column(row, "FirstName")) == ("ada@x", "Ada", "Ada")


def test_a_row_without_name_and_id_is_nobody(tmp_path):
    (tmp_path / "a.csv").write_text("Name,email,Section\n,,Manual Posting\nAda,,A\n")
    assert [row["Name"] for row in read_roster(tmp_path / "a.csv")] == ["Ada"]
    (tmp_path / "a.csv").write_text("Name,e-mail,Section\nAda,,A\nName,e-mail,Section\nname,E-Mail,\nBo,,Name\n")
    assert [row["Name"] for row in read_roster(tmp_path / "a.csv")] == ["Ada", "Bo"]
    (tmp_path / "b.csv").write_bytes(b"Name\n\xff\xfe\xfd\n")
    with pytest.raises(UsageError, match=r"b\.csv is not UTF-8; save the class list as CSV in UTF-8"):
        read_roster(tmp_path / "b.csv")


@pytest.mark.parametrize(("folder", "listed"), [(COMPOSED, APART), (APART, COMPOSED)])
@pytest.mark.parametrize("titles", ["username", "Name,email"])
def test_an_id_in_another_unicode_form_is_the_same_and_said(read, folder, listed, titles):
    rows = [f"Person,{listed}", "Bo,bo@x"] if "," in titles else [listed, "bo@x"]
    found = read("\n".join([titles, *rows]), folder, "bo@x")
    (one,) = (one for id_, one in found.items() if id_ != "bo@x")
    assert (len(found), one.unlisted, bool(one.parts)) == (2, False, True)
    assert listed in one.ids.values()
    assert in_another_form(one)
    assert not in_another_form(found["bo@x"])


@pytest.mark.parametrize("pair", [(COMPOSED, APART), ("ada@x", "Ada@x")])
def test_ids_in_two_forms_are_two_students(read, pair):
    found = read("\n".join(["username", *pair]), *pair).values()
    assert sorted((one.own_id, one.ids["username"], one.unlisted) for one in found) == sorted(
        (one, one, False) for one in pair
    )
    assert all(one.parts for one in found)


@pytest.mark.parametrize("pair", [(COMPOSED, APART), ("ada@x", "Ada@x")])
def test_of_two_forms_only_the_listed_one_is_that_students(read, pair):
    found = read(f"username\n{pair[0]}\n", *pair).values()
    (own,) = (one for one in found if not one.unlisted)
    (other,) = (one for one in found if one.unlisted)
    assert (own.own_id, other.own_id) == pair
    assert not own.others


@pytest.mark.parametrize(
    ("listed", "handed_in"),
    [(["ada@x", "ADA@x"], ["Ada@x"]), (["ADA@x"], ["ada@x", "Ada@x"])],
)
def test_where_no_form_is_exact_a_person_is_told_what_to_type(read, listed, handed_in):
    found = read("\n".join(["username", *listed]), *handed_in).values()
    told = [one.problem for one in found if not one.unlisted]
    assert len(told) == len(listed)
    for sentence in told:
        assert (
            f" differs from {' and '.join(listed)} in the class list by case or Unicode form; copy the id" in sentence
        )
    assert all(one.problem == "" and one.parts for one in found if one.unlisted)


@pytest.mark.parametrize(
    ("listed", "handed_in"),
    [
        ("AB@x", "ＡＢ@x"),
        ("ada+l", "ada l"),
        ("ada_l", "HW_1_ada_l_late"),
        ("ada@x", "ada@x again"),
        ("007", "hw 007"),
        ("ada@x", "ada"),
        ("ada.l@x", "ada"),
    ],
)
def test_an_id_that_reads_like_an_absent_students_is_no_zero(read, listed, handed_in):
    found = read(f"username\n{listed}\nbo\n", handed_in, "bo").values()
    assert [bool(one.problem) for one in found if one.ids.get("username") == listed] == [True]
    assert [one.unlisted for one in found if one.parts and one.own_id != "bo"] == [True]


def test_a_student_is_found_by_the_exact_id_before_another_form():
    both = [Student(id_, "A", {"email": email}) for id_, email in (("a", COMPOSED), ("b", APART), ("c", "Ada@x"))]
    assert [find(both, text).id for text in (COMPOSED, APART, "ada@x")] == ["a", "b", "c"]
    with pytest.raises(UsageError, match="may be a or b"):
        find(both, APART.upper())


def test_a_student_listed_in_two_sections_is_one_with_the_groups_of_both(read):
    found = read("username,section,Group\nada,1,A\nada,2,B\nbo,1,\nbo,2,A\n", "ada", "bo")
    assert {id_: one.ids.get("Group") for id_, one in found.items()} == {"ada": "A; B", "bo": "A"}
    assert {id_: one.ids["section"] for id_, one in found.items()} == {"ada": "1; 2", "bo": "1; 2"}
    assert not any(one.unlisted or one.problem for one in found.values())


def test_two_rows_of_a_student_that_tell_different_times_both_stay(read):
    found = read("username,section,Submission Time\nada,1,2026-03-01 10:00\nada,2,2026-03-02 10:00\n", "ada").values()
    assert [one.problem for one in found if not one.unlisted] == [
        "ada stands in 2 rows of the class list; leave one of them, or give each its own id"
    ] * 2


def test_an_id_of_two_names_is_told_as_such(read):
    found = read("username,Name\nada,Ada L\nada,Ada K\n", "ada").values()
    said = "ada stands in 2 rows of the class list; leave one of them, or give each its own id"
    assert [one.problem for one in found if not one.unlisted] == [said, said]


def test_two_columns_that_are_read_with_one_title_are_refused(tmp_path):
    (tmp_path / "roster.csv").write_text("username,Notes,Notes\nada,,\n")
    assert len(read_roster(tmp_path / "roster.csv")) == 1
    for title, again in (("username", "username"), ("Email", "EMAIL"), ("User name", "username"), ("Group", "group"),
                         ("submitted_at", "Submitted at"), ("Name", "name")):  # fmt: skip
        (tmp_path / "roster.csv").write_text(f"{title},{again},SID\nada,bo,1\ncy,,2\n")
        with pytest.raises(UsageError, match=rf"roster\.csv has two columns {title} and {again}; rename or delete one"):
            read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize("id_", ["1.23457E+11", "1E+13", "1,2e+13"])
def test_a_long_id_that_a_spreadsheet_rounded_is_refused(tmp_path, id_):
    (tmp_path / "roster.csv").write_text(f'SID,Name\n"{id_}",Ada\n"{id_}",Bo\n')
    told = rf"has the id {re.escape(id_)}, as a spreadsheet rounds .*; export the list again"
    with pytest.raises(UsageError, match=told):
        read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize("start", [b"PK\3\4", b"\xd0\xcf\x11\xe0"])
def test_a_workbook_is_told_as_one(tmp_path, start):
    (tmp_path / "roster.csv").write_bytes(start + bytes(99))
    with pytest.raises(
        UsageError, match=r"roster\.csv is a workbook, not text; open it and save the class list as CSV"
    ):
        read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_a_list_is_read_whatever_its_encoding_and_separator(read, encoding):
    for number, separator in enumerate(",;\t|"):
        table = f'SID{separator}Name\n="007"{separator}Ada\n8{separator}Bo\n'
        found = read(table, *(["007"] if number == 0 else []), encoding=encoding)
        assert {id_: (one.name, bool(one.parts)) for id_, one in found.items()} == {
            "007": ("Ada", True),
            "8": ("Bo", False),
        }


def test_zeros_that_a_spreadsheet_took_are_no_zero(read):
    found = read("SID,Name\n7,\n8,\n", "007", "8")
    assert "may belong" in found["7"].problem
    assert "if a spreadsheet took its zeros, put them back into the list" in found["7"].problem


def test_numbers_that_were_written_as_floats_are_whole_ones(read):
    found = read("SID,Name,Section\n1001.0,Ada,1.0\n,Bo,2.0\n10000000000003.0,Cy,\n", "1001", "Bo")
    assert [(one.id, one.ids.get("SID"), one.ids.get("Section"), bool(one.parts)) for one in found.values()] == [
        ("10000000000003", "10000000000003", None, False),
        ("1001", "1001", "1.0", True),
        ("Bo", None, "2.0", True),
    ]
    assert read("SID\n1001.0\n1002.5\n").keys() == {"1001.0", "1002.5", "1001", "Bo"}


@pytest.mark.parametrize(
    ("listed", "handed_in"),
    [
        ("Bo Ek,bo@x", "bo"),
        ("Ek Bo K,b1@x", "Bo Ek"),
        ("Bo Ek,b1@x", "ekbok"),
        ("Li Na,ln@x", "na_li_hw1"),
        ("Bo Ek,bo@x", "Bo.py"),
        ("Ada Lovelace,al1@x", "Ada King Lovelace"),
        ("Ada Byron King Lovelace,al1@x", "lovelaceking"),
        ("Ada Lovelace,al1@x", "hw1_lovelace_final"),
        ("Jörg Müller,jm1@x", "Jorg Muller"),
        ("Zoë van Dyke,zd1@x", "ZOE"),
    ],
)
def test_a_name_that_reads_like_an_absent_students_is_no_zero(read, listed, handed_in):
    found = read(f"Name,Email\n{listed}\nGrace Hopper,gh@x\n", handed_in)
    email = listed.partition(",")[2]
    assert "may belong to this student" in found[email].problem
    assert found["gh@x"].problem == ""


def test_one_short_word_in_common_is_chance(read):
    found = read("Name,Email\nLi Na,ln@x\nGrace Hopper,gh@x\n", "Li Wei", "linarescarolina", "Grace Hopper")
    assert found["ln@x"].problem == ""


def test_a_list_that_names_nobodys_work_makes_nobody_a_zero(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("lovelaceada_101_9001_hw.zip", "hoppergrace_102_9002_hw.zip"):
        (tmp_path / "in" / name).touch()
    (tmp_path / "list.csv").write_text("login,email\nal1,al1@x\ngh2,gh2@x\ncy3,cy3@x\n")
    found = recognise(tmp_path / "in", roster=tmp_path / "list.csv")
    assert [one.unlisted for one in found if one.parts] == [True, True]
    assert all("add the platform's ids to it" in one.problem for one in found if not one.parts)
    (tmp_path / "list.csv").write_text("login,email,name\nal1,al1@x,Ada Lovelace\ncy3,cy3@x,Cy Twombly\n")
    assert [one.problem for one in recognise(tmp_path / "in", roster=tmp_path / "list.csv") if not one.parts] == [""]


@pytest.mark.parametrize("folder", ["Ek_Bo", "bo-ek", "Bo_Ek", "BO EK"])
def test_words_of_a_name_are_told_by_any_sign_between_them(read, folder):
    found = read("Name,Email\nBo Ek,ek1@x\nAda Lovelace,al1@x\n", folder)
    assert [one.name for one in found.values() if one.parts and not one.unlisted] == ["Bo Ek"]


def test_another_middle_name_on_a_platform_is_no_zero_and_another_number_is_nobody(tmp_path):
    for name in ("Ada King Lovelace_9_assignsubmission_file", "Bo Ek_10_assignsubmission_file"):
        (tmp_path / "in" / name).mkdir(parents=True)
    (tmp_path / "list.csv").write_text("First name,Last name,Email address\nAda,Lovelace,a@x\nBo,Ek,b@x\n")
    told = {one.id: one.problem for one in recognise(tmp_path / "in", roster=tmp_path / "list.csv")}
    assert "Ada King Lovelace may belong to this student" in told["a@x"]
    (tmp_path / "list.csv").write_text("Identifier,Full name\nParticipant 11,Ada Lovelace\nParticipant 10,Bo Ek\n")
    told = {one.name: one.problem for one in recognise(tmp_path / "in", roster=tmp_path / "list.csv")}
    assert told["Ada Lovelace"] == ""


@pytest.mark.parametrize(
    "title", ["Matrikelnummer", "Student No.", "Numéro étudiant", "Roll No", "UID", "Candidate number"]
)
def test_a_number_of_the_university_is_an_id(read, title):
    found = read(f"Name;{title}\nAda Lovelace;00123\nBo Ek;00124\n", "00123")
    assert [(id_, one.name, bool(one.parts)) for id_, one in found.items()] == [
        ("00123", "Ada Lovelace", True),
        ("00124", "Bo Ek", False),
    ]
