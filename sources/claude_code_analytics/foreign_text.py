"""Text from outside (the API, a proxy, a driver), made safe to print, log and store (decision D14), and folded."""

from __future__ import annotations

from string import ascii_uppercase

_BLANKS = " \t\r\n"
_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}


def printable(text: str) -> str:
    """Returns text as one line without control characters and other unprintable ones."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def folded(text: str) -> str:
    """Returns text without blanks around it, and with ASCII letters in lower case: the folding of the views.

    No more than that: whether a database lowers other letters depends on its locale (METRICS, R19).
    """
    return text.strip(_BLANKS).translate(_LOWER)
