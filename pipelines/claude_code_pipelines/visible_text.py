"""Text that people see: names as they are, and plain characters where the encoding of an output lacks one."""

from __future__ import annotations

import re

# Control characters, line breaks and surrogates, and the marks that reorder the text around them (Unicode, UAX 9).
# Joiners are none of these: scripts and emoji are made with them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Returns a name on one line as it is: blanks take the place of what would control a terminal or a program."""
    return _UNSAFE.sub(" ", text)
