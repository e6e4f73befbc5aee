"""Team maps as people make them: exports of directories, spreadsheets of several countries, address books, tickets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from claude_code_pipelines.cli import commands
from claude_code_simulator import record
from support.world import TODAY, World

EXPECTED = {"ada@example.test": "Platform", "bob@example.test": "Plattform & Ünit", "eve@example.test": "(no team)"}
SEMICOLONS = "Name;E-Mail-Adresse;Abteilung\nLovelace, Ada;Ada@Example.test;Platform\nBob;bob@example.test;{}\n"

# By what people call it, the bytes of a file that names Ada's team and Bob's.
MAPS: dict[str, bytes] = {
    "as documented": "email,team\nada@example.test,Platform\nbob@example.test,Plattform & Ünit\n".encode(),
    "columns of an HR system": (
        '"Employee ID","Work Email","Personal Email","Department","Team"\r\n'
        '"1","ADA@example.test","ada@home.test","Engineering","Platform"\r\n'
        '"2","bob@example.test ","","Engineering","Plattform & Ünit"\r\n'
        '"3","eve@example.test","","Sales",""\r\n'
    ).encode(),
    "Excel in German": SEMICOLONS.format("Plattform & Ünit").encode("utf-8-sig"),
    "Excel in German, with its separator": ("sep=;\r\n" + SEMICOLONS.format("Plattform & Ünit")).encode("utf-8-sig"),
    "Excel in French, Unicode text": (
        "Prénom\tAdresse e-mail\tÉquipe\tAdresse\r\nAda\tada@example.test\tPlatform\t1 rue X\r\n"
        "Bob\tbob@example.test\tPlattform & Ünit\t2 rue X\r\n"
    ).encode("utf-16"),
    "UTF-16 with its bytes swapped": b"\xfe\xff" + SEMICOLONS.format("Plattform & Ünit").encode("utf-16-be"),
    "address book": (
        'Mail,Group\n"Lovelace, Ada <mailto:ada@example.test>",Platform\nBob <BOB@example.test>,Plattform & Ünit\n'
    ).encode(),
    "tickets": (
        "Key,Summary,User,Team Name\nT-1,Access,ada@example.test,Platform\n"
        'T-2,"More\naccess",ada@example.test,Platform\n'
        "T-3,Access,bob@example.test,Plattform & Ünit\n,,,\n"
    ).encode(),
    "copied from a web page": (
        "\n\ue000EMAIL , TEAM\n\u202aada@example.test\u202c,\u200bPlatform\nADA@example.test\u00a0,platform\n"
        "bob@\u00adexample.test,Plattform & U\u0308nit\nbob@example.test,plattform  &  ÜNIT,\n"
    ).encode(),
}


@pytest.fixture
def three(tmp_path: Path) -> World:
    """Three people who are active today."""
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    world.write(TODAY, *(record(TODAY, email=email) for email in EXPECTED))
    world.backfill(TODAY, TODAY)
    return world


def summary(world: World, team_map: Path | str, *options: str) -> Result:
    command = ["summary", "--start", str(TODAY), "--end", str(TODAY), "--team-map", str(team_map), *options]
    return CliRunner().invoke(commands, command, obj=world.client())


def teams_of(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    return {row["person"]: row["team"] for row in json.loads(result.stdout)["rows"]}


@pytest.mark.parametrize("made_by", MAPS)
def test_a_map_is_read_as_people_make_it(three: World, tmp_path: Path, made_by: str) -> None:
    (tmp_path / "map").write_bytes(MAPS[made_by])

    found = teams_of(summary(three, "map", "--by", "person", "--json"))

    composed = {person: team.replace("U\u0308", "Ü") for person, team in found.items()}
    assert composed == EXPECTED


def test_the_number_of_people_that_a_map_covers_is_said(three: World, tmp_path: Path) -> None:
    (tmp_path / "map").write_text("email,team\nada@example.test,one\nbob@example.test,one\ngone@example.test,two\n")
    (tmp_path / "few").write_text("email,team\nada@example.test,one\ngone@example.test,two\n")

    assert "it has 2 of 3 active people\n" in summary(three, "map", "--markdown").stdout
    assert (
        "it has 1 of 3 active people, fewer than half, so nobody is listed"
        in summary(three, "few", "--markdown").stdout
    )


REFUSED: dict[str, tuple[bytes, str]] = {
    "cp1252": (SEMICOLONS.format("Ünit").encode("cp1252"), 'is not in UTF-8; save it as "CSV UTF-8"'),
    "utf-16 without a mark": ("email,team\n".encode("utf-16-le"), "is not in UTF-8"),
    "workbook": (b"PK\x03\x04rest", 'is a workbook; save it as "CSV UTF-8"'),
    "empty": (b"", "needs a column of addresses and one of teams; name them email and team"),
    "only a header": (b"email,team\n", "has no addresses"),
    "secrets": (b"[sources]\napi_key = 'sk-ant-1'\n", "needs a column of addresses"),
    "two teams": (
        b"email,team\na@x.test,one\nA@x.test ,two\n",
        "line 3: a@x.test has another team above; keep one",
    ),
    "two columns": (
        b"Group,Department,Mail\na,b,a@x.test\n",
        "has several columns of teams (Group and Department); name one of them team",
    ),
    "no address": (b"email,team\na@x.test,one\n,two\n", "line 3: give one address and one team, or remove the line"),
    "two addresses": (b"email,team\na@x.test;b@x.test,one\n", "line 2: give one address and one team"),
    "torn": (b"email,team\na@x.test\n", "line 2: it has 1 of 2 cells; put quotes around texts with a comma"),
    "shifted": (b"name,email,team\nLovelace, Ada,a@x.test,one\n", "line 2: it has 4 of 3 cells"),
    "open quotes": (b'email,team\na@x.test,"one\n', "cannot be read: unexpected end of data"),
    "nobody known": (b"email,team\nx@x.test,one\n", "none of the 1 addresses of the team map occurs"),
}


@pytest.mark.parametrize("case", [*REFUSED, "folder", "missing", "100 MB"])
def test_what_cannot_be_told_is_one_line_with_the_fix(three: World, tmp_path: Path, case: str) -> None:
    content, message = REFUSED.get(case, (b"", ""))
    if case == "folder":
        (tmp_path / "map").mkdir()
        message = "the team map map cannot be read: Is a directory"
    elif case == "100 MB":
        with (tmp_path / "map").open("wb") as file:
            file.truncate(100_000_000)
        message = "has more than 16,000,000 bytes; name a list of people"
    elif case == "missing":
        message = "the team map map cannot be read: No such file or directory"
    else:
        (tmp_path / "map").write_bytes(content)

    result = summary(three, "map")

    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "sk-ant" not in result.stderr
    assert result.stdout == ""


def test_teams_that_differ_in_capitals_or_blanks_are_one(three: World, tmp_path: Path) -> None:
    (tmp_path / "map").write_text(
        "email,team\nada@example.test,Team  A\nbob@example.test,team a \neve@example.test,TEAM A\n"
    )

    rows = json.loads(summary(three, "map", "--by", "team", "--json").stdout)["rows"]

    assert [(row["team"], row["active_people"]) for row in rows] == [("Team  A", 3)]
