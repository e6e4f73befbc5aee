"""Text from outside (the API, a proxy, a driver), made safe to print, log and store (decision D14)."""

from __future__ import annotations


def printable(text: str) -> str:
    """Returns text as one line without control characters and other unprintable ones."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
