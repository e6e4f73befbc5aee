"""Troubleshooting by message: each message of the page is one of the code's, and no class of errors is left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from support.imports import FOLDERS, ROOT
from support.reference import ERRORS

TEXT = (ROOT / "docs" / "troubleshooting.md").read_text()
MESSAGES = [message for _, message in re.findall(r"^\| (`+)(.+?)\1 \|", TEXT, re.MULTILINE)]


def texts(package: str) -> Iterator[str]:
    """Yields the texts in the code of a package; values that are filled in are left out."""
    for file in (FOLDERS[package] / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant):
                yield str(node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "…".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


CODE = [text for package in ("claude_code_analytics", "claude_code_pipelines") for text in texts(package)]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_is_in_the_code(message: str) -> None:
    parts = [re.escape(part.strip(" (;:")) for part in message.split("…")]

    assert any(re.search(".*".join(parts), text, re.DOTALL) for text in CODE)


def test_every_class_of_errors_is_covered() -> None:
    named = {error for name, error in ERRORS.items() if f"`{name}`" in TEXT}

    assert [name for name, error in ERRORS.items() if not any(issubclass(each, error) for each in named)] == []
