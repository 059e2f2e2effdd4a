"""Moodle: groups, drafts, hidden names, times of any language, and work that the sheet tells of and is not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

HEAD = 'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Last modified (submission)",'
HEAD += '"Last modified (grade)"\n'
TEAMS = HEAD.replace("Status", "Status,Group")


def row(number, name, status="Submitted for grading", at="Friday, 20 November 2026, 11:05 PM", group=None):
    cells = [f"Participant {number}", name, f"{name.split()[0].lower()}@x.org" if name else "", status]
    cells += [] if group is None else [group]
    return ",".join(f'"{cell}"' for cell in [*cells, "", "55.00", at, "-"]) + "\n"


def folder(name):
    return f"{name}_assignsubmission_file/"


def test_each_member_gets_the_work_of_the_group_and_its_number_is_nobodys(read):
    sheet = TEAMS + row(9, "Ada Lovelace", group="Team A") + row(10, "Grace Hopper", group="Team A")
    sheet += row(12, "Bo Ek", "No submission", "-", group="Team C") + row(15, "Di Oz", group="Default group")
    sheet += row(16, "Cy Lo", group="Team: A/B")
    found = read(
        folder("Team A_12"), folder("Default group"), folder("Team A-B_15"), folder("Team AB_99"), roster=sheet
    )
    assert {id_: bool(one.parts) for id_, one in found.items() if not one.unlisted} == {
        "ada@x.org": True, "grace@x.org": True, "bo@x.org": False, "di@x.org": True, "cy@x.org": True,
    }  # fmt: skip
    assert found["ada@x.org"].parts == found["grace@x.org"].parts
    assert found["ada@x.org"].ids["Identifier"] == "Participant 9"
    assert found["bo@x.org"].problem == ""


def test_a_groups_number_gives_nobody_a_grade_where_the_list_tells_no_groups(read):
    found = read(folder("Team A_12"), folder("Ada Lovelace_9"), roster=HEAD + row(9, "Ada Lovelace") + row(12, "Bo Ek"))
    assert found["Team-A-12"].unlisted
    assert not found["bo@x.org"].parts
    assert found["bo@x.org"].problem.startswith(
        "Team A was handed in under number 12, but the class list gives it to anot"
    )


@pytest.mark.parametrize("name", ["Participant_9", "Team A-Ada Lovelace_9", "Lovelace Ada_9", "Ada\u00a0Lovelace_9"])
def test_hidden_names_and_older_versions_are_the_participants(read, name):
    found = read(folder(name), folder("Participant_77"), roster=HEAD + row(9, "Ada Lovelace"))
    (ada,) = [one for one in found.values() if not one.unlisted]
    assert ada.parts
    assert ada.name == "Ada Lovelace"


def test_a_list_without_names_goes_by_number(read):
    sheet = "Identifier,Status,Last modified (submission)\n"
    sheet += "Participant 9,Submitted for grading,-\nParticipant 8,No submission,-\n"
    found = read(folder("Participant_9"), roster=sheet)
    assert {one.ids["Identifier"]: bool(one.parts) for one in found.values()} == {
        "Participant 9": True,
        "Participant 8": False,
    }


@pytest.mark.parametrize("status", ["Submitted for grading", "Draft (not submitted)", "Submitted for grading - Graded"])
def test_what_the_sheet_says_was_handed_in_is_a_problem_where_it_is_not_there(read, status):
    sheet = HEAD + row(9, "Ada Lovelace") + row(10, "Grace Hopper", status) + row(11, "Bo Ek", "No submission", "-")
    found = read(folder("Ada Lovelace_9"), roster=sheet)
    told = f"the class list says that it was handed in ({status}), but it is not here; export the submissions again"
    assert found["grace@x.org"].problem == told
    assert found["bo@x.org"].problem == ""


@pytest.mark.parametrize(
    "at",
    [
        "Saturday, 21 November 2026, 11:05 PM", "Saturday, 21 November 2026, 11:05 pm",
        "Saturday, November 21, 2026, 11:05 PM",
        "Saturday, 21 November 2026, 23:05", "Samstag, 21. November 2026, 23:05", "samedi 21 novembre 2026, 23:05",
        "sábado, 21 de noviembre de 2026, 23:05", "sábado, 21 de novembro de 2026 às 23:05",
        "zaterdag 21 november 2026, 23:05", "суббота, 21 ноября 2026, 23:05", "lördag, 21 november 2026, 23:05",
        "2026年11月21日 23:05", "21.11.2026 23:05", "21/11/2026, 23:05", "11/21/2026 23:05", "2026-11-21 23:05",
    ],
)  # fmt: skip
def test_times_are_read_in_any_language_in_the_courses_zone(read, at):
    found = read(folder("Ada Lovelace_9"), roster=HEAD + row(9, "Ada Lovelace", at=at), zone="Europe/Berlin")
    assert found["Ada-Lovelace-9"].submitted_at == datetime(2026, 11, 21, 22, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sheet", "at"),
    [
        ('ID,"Vollständiger Name",E-Mail-Adresse,Status,"Zuletzt geändert (Abgabe)"\n'
         '"Teilnehmer/in9","Ada Lovelace",a@x,"Zur Bewertung abgegeben","Samstag, 21. November 2026, 23:05"\n',
         "Ada-Lovelace-9"),
        ('Identifiant,"Nom complet","Adresse de courriel",Statut,"Dernière modification (travail remis)"\n'
         '"Participant9","Ada Lovelace",a@x,"Remis pour évaluation","samedi 21 novembre 2026, 23:05"\n',
         "Ada-Lovelace-9"),
    ],
)  # fmt: skip
def test_a_sheet_in_another_language_names_students_and_times(read, sheet, at):
    found = read(folder("Ada Lovelace_9"), roster=sheet, zone="UTC")
    assert set(found) == {at}
    assert not found[at].unlisted
    assert found[at].submitted_at == datetime(2026, 11, 21, 23, 5, tzinfo=UTC)


def test_a_students_several_plugins_are_one_submission(read):
    (ada,) = read(folder("Ada Lovelace_9"), "Ada Lovelace_9_assignsubmission_onlinetext/onlinetext.html").values()
    assert len(ada.parts) == 2


def test_what_was_typed_alone_is_told(read):
    texts = {f"Ada_{at}_assignsubmission_onlinetext_/onlinetext.html": "<p>see my drive</p>" for at in (11, 12)}
    found = read("Ada_12_assignsubmission_file_/", texts=texts)
    told = "only text or a link was typed, which Ada_11_assignsubmission_onlinetext_ holds; read it, "
    assert found["Ada-11"].problem == f"{told}and put the work that it leads to in its place"
    assert found["Ada-12"].problem == ""
