"""Teams: the user's map of addresses to teams, and the folding of teams that are too small to show."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import ascii_uppercase

from claude_code_analytics import ConfigurationError
from claude_code_analytics.foreign_text import printable

SMALL_TEAMS = "(small teams)"
NO_TEAM = "(no team)"
_HEADER = ["email", "team"]
_BLANKS = " \t\r\n"
_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}
_DISPLAY_NAME = re.compile(r"[^<>]*<([^<>]+)>")
_MAILTO = re.compile("mailto:", re.IGNORECASE)


def read_team_map(file: Path) -> dict[str, str]:
    """Reads a CSV file with the columns `email` and `team`.

    Args:
        file: The file, in UTF-8.

    Returns:
        Teams by folded address.

    Raises:
        ConfigurationError: The file cannot be read, has other columns, lacks a value, or has an address twice.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            teams = _teams_in(lines, file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"the team map {file} cannot be read: {printable(str(error))}") from None
    if not teams:
        raise ConfigurationError(f"the team map {file} has no addresses")
    return teams


def _teams_in(lines: Iterable[str], file: Path) -> dict[str, str]:
    rows = csv.reader(lines, strict=True)
    header = [cell.strip().lower() for cell in next(rows, [])]
    if sorted(header) != _HEADER:
        # not repeated: the file may be another one, with secrets
        raise ConfigurationError(f"{file} must have the columns email and team in its first line, and no others")
    teams: dict[str, str] = {}
    for row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != len(header) or not all(cells):
            raise ConfigurationError(f"{file}, line {rows.line_num}: give one address and one team")
        values = dict(zip(header, cells, strict=True))
        email = folded(values["email"])
        if email in teams:
            raise ConfigurationError(f"{file}, line {rows.line_num}: {printable(email)} is there twice")
        teams[email] = values["team"]
    return teams


def folded(address: str) -> str:
    """Returns an address as the views have it, less what spreadsheets and address books put around it.

    Folding is that of the views, letter by letter: `str.lower` would fold what no warehouse does (METRICS, R19).
    """
    bare = "".join(filter(str.isprintable, address)).strip(_BLANKS)
    named = _DISPLAY_NAME.fullmatch(bare)
    bare = named[1] if named else bare
    return _MAILTO.sub("", bare, count=1).strip(_BLANKS).translate(_LOWER)


def shown_teams(people: Iterable[str], teams: Mapping[str, str], min_team: int) -> dict[str, str]:
    """Returns the team under which each active person is shown.

    Teams with fewer active people than `min_team` fold into one. If those, or the people without a team, are still
    fewer, both fold together.

    Args:
        people: Addresses of active people.
        teams: Teams by address.
        min_team: Fewest active people of a team that is shown by its name.
    """
    own = {person: teams.get(person, NO_TEAM) for person in people}
    sizes = Counter(own.values())
    folded = {
        person: team if team == NO_TEAM or sizes[team] >= min_team else SMALL_TEAMS for person, team in own.items()
    }
    sizes = Counter(folded.values())
    if 0 < sizes[SMALL_TEAMS] < min_team or (sizes[SMALL_TEAMS] and 0 < sizes[NO_TEAM] < min_team):
        folded = {person: SMALL_TEAMS if team == NO_TEAM else team for person, team in folded.items()}
    return folded
