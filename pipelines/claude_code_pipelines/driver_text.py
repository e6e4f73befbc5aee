"""Texts of dlt's and the drivers' errors, made fit for one line of output."""

from __future__ import annotations

import re
from textwrap import shorten

from claude_code_analytics.foreign_text import printable

_PASSWORD = re.compile(r"""(?<=://)[^\s"']*@|(?<=host name ")[^"]*@""")  # a password may hold @ and / unescaped
# What drivers add that is of no use here, or tells too much: Postgres quotes our SQL, and whole rows with their
# addresses. DuckDB advertises its read-only mode.
_NOISE = re.compile(
    r"\nLINE \d+:.*|\nDETAIL:.*|\nCONTEXT:.*|\nHINT:  Use DROP.*|\. However, you would be able to open.*", re.DOTALL
)
_LONGEST = 300


def one_line(error: BaseException) -> str:
    """Returns an error's text as one line, shortened, without passwords and control characters."""
    text = printable(_NOISE.sub("", str(error))) or type(error).__name__
    return shorten(_PASSWORD.sub("***@", text), _LONGEST, placeholder=" ...")
