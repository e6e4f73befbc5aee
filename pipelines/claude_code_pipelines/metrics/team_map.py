"""Reader of the user's map of addresses to teams, as spreadsheets, directories and ticket systems export it."""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from claude_code_analytics import ConfigurationError
from claude_code_analytics.foreign_text import folded, printable

from ..visible_text import visible
from .teams import NO_TEAM

# A hundred bytes for each of 160,000 people. A larger file is another one.
_MOST_BYTES = 16_000_000
# By separator, its name.
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
# Headers in lower case, without accents, blanks and signs. In each column the first line that occurs decides: exports
# have the street as "Adresse" beside "E-Mail", and a department beside the team.
_COLUMNS = {
    "email": (
        "email",
        "mail emails emailaddress mailaddress primaryemail workemail businessemail useremail emailaddressrequired "
        "email1value emailadresse mailadresse adresseemail adressemail courriel correo correoelectronico",
        "address adresse user username login userprincipalname upn benutzer utilisateur usuario account assignee",
    ),
    "team": (
        "team",
        "teams teamname squad equipe equipo",
        "group groups groupname gruppe groupe grupo department dept abteilung departement service departamento "
        "bereich division unit orgunit organizationalunit orgunitpathrequired businessunit costcenter kostenstelle",
    ),
}
# What the first bytes of a file say.
_ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# Soft hyphens, and blanks and marks without a width: spreadsheets and web pages leave them in cells.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
# A line that tells Excel the separator.
_SEP_LINE = re.compile(r"\A\"?sep=.\"?(?=\r?\n)")
_SAVE = 'save it as "CSV UTF-8"'
_DISPLAY_NAME = re.compile(r"[^<>]*<([^<>]+)>")
_ONE_ADDRESS = re.compile(r"[^\s,;<>]*@[^\s,;<>]*")
_MAILTO = re.compile("mailto:", re.IGNORECASE)


def read_team_map(file: Path) -> dict[str, str]:
    """Reads a text file with a column of addresses and one of teams; other columns are ignored.

    Separators are commas, semicolons or tabs. A person without a team is one of `NO_TEAM`.

    Args:
        file: The file, in UTF-8, or in UTF-16 with a byte order mark.

    Returns:
        Teams by folded address. Teams that differ only in capitals or blanks have the first spelling.

    Raises:
        ConfigurationError: The file cannot be read, a column cannot be told, a line has not one address, or an address
            has two teams.
    """
    try:
        teams = _teams_in(_text_of(file), file)
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"the team map {file} cannot be read: {printable(str(reason))}") from None
    if not teams:
        raise ConfigurationError(f"the team map {file} has no addresses")
    return teams


def _text_of(file: Path) -> str:
    with file.open("rb") as opened:
        content = opened.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ConfigurationError(f"the team map {file} has more than {_MOST_BYTES:,} bytes; name a list of people")
    if content.startswith(_WORKBOOKS):
        raise ConfigurationError(f"the team map {file} is a workbook; {_SAVE}")
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # so has UTF-16 without its mark
        raise ConfigurationError(f"the team map {file} is not in UTF-8; {_SAVE}")
    return _SEP_LINE.sub("", _INVISIBLE.sub("", text))


def _teams_in(text: str, file: Path) -> dict[str, str]:
    separator, header, address_place, team_place = _layout(text, file)
    rows = _rows(text, separator, strict=True)
    next(rows)
    teams: dict[str, str] = {}
    spellings: dict[str, str] = {}
    for line, cells in rows:
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise ConfigurationError(
                f"{file}, line {line}: it has {len(cells)} of {len(header)} cells; put quotes around texts with a "
                f"{_SEPARATORS[separator]}"
            )
        address, team = _address(cells[address_place]), visible(cells[team_place]).strip() or NO_TEAM
        if not _ONE_ADDRESS.fullmatch(address):
            raise ConfigurationError(f"{file}, line {line}: give one address and one team, or remove the line")
        team = spellings.setdefault(_spelling(team), team)
        if teams.setdefault(address, team) != team:
            raise ConfigurationError(f"{file}, line {line}: {printable(address)} has another team above; keep one")
    return teams


def _layout(text: str, file: Path) -> tuple[str, list[str], int, int]:
    """Returns the separator, the header, and the places of the two columns."""
    for separator in _SEPARATORS:
        _, header = next(_rows(text, separator, strict=False), (0, []))
        address, team = (_place(header, spellings, name, file) for name, spellings in _COLUMNS.items())
        if address is not None and team is not None:
            return separator, header, address, team
    # its header is not repeated: the file may be another one, with secrets
    raise ConfigurationError(f"{file} needs a column of addresses and one of teams; name them email and team")


def _place(header: Sequence[str], spellings: Sequence[str], name: str, file: Path) -> int | None:
    keys = [_key(title) for title in header]
    for spelled in spellings:
        found = [place for place, key in enumerate(keys) if key in spelled.split()]
        if len(found) > 1:
            titles = " and ".join(printable(header[place]) for place in found)
            raise ConfigurationError(f"{file} has several columns of {name}s ({titles}); name one of them {name}")
        if found:
            return found[0]
    return None


def _key(title: str) -> str:
    """Returns a header in lower case, without accents, blanks and signs."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", title))).lower()


def _rows(text: str, separator: str, *, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines that are not empty, with their numbers."""
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=strict)
    yield from ((rows.line_num, cells) for cells in rows if any(map(str.strip, cells)))


def _spelling(team: str) -> str:
    """Returns what the spellings of a team have in common."""
    return " ".join(unicodedata.normalize("NFKC", team).split()).casefold()


def _address(cell: str) -> str:
    """Returns an address as the views have it, less what spreadsheets and address books put around it."""
    bare = "".join(filter(str.isprintable, cell))
    named = _DISPLAY_NAME.fullmatch(bare.strip())
    return folded(_MAILTO.sub("", (named[1] if named else bare).strip(), count=1))
