"""Text that people see: names as they are, and plain characters where the encoding of an output lacks one."""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width, normalize

# Control characters, line breaks and surrogates, and the marks that reorder the text around them (Unicode, UAX 9).
# Joiners are none of these: scripts and emoji are made with them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Returns a name on one line as it is: blanks take the place of what would control a terminal or a program."""
    return _UNSAFE.sub(" ", text)


# Plain characters for those of the product's own texts and of people's names; an accent falls off without an entry.
_PLAIN = dict(
    zip(
        "\u00a0\u2010\u2011\u2012\u2013\u2014\u2212\u2018\u2019\u201c\u201d\u2026\u00d7\u2500\u2501",
        " ------''\"\"~x--",
        strict=True,
    )
)
# Letters of two columns in a terminal, and marks of none.
_WIDE, _NARROWEST = "WF", "\u200b\u200c\u200d\u200e\u200f\ufe0e\ufe0f"


def encodable(text: str, encoding: str) -> str:
    """Returns text in which plain characters, as wide in a terminal, stand in for those that an encoding lacks."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_encodable(letter, encoding) for letter in text)
    return text


def _encodable(letter: str, encoding: str) -> str:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        if combining(letter) or letter in _NARROWEST:
            return ""
        plain = _PLAIN.get(letter) or normalize("NFD", letter)[0]
        return plain if plain.isascii() else "??" if east_asian_width(letter) in _WIDE else "?"
    return letter
