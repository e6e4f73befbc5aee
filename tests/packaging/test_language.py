"""Language of code and documentation: words and names that a native engineer would not write, each with its reason.

A list of this project's own habits, so no general prose linter finds them. An honest use goes into `ALLOWED`.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.imports import ROOT

# Names that say nothing about what a module or folder holds, or say it in words that are not the field's.
MODULE_NAMES = {
    "advice": "error translation",
    "answers": "responses",
    "books": "backend",
    "common": "a name for what it holds",
    "content": "decoding",
    "fitting": "coercion",
    "helpers": "a name for what it holds",
    "hints": "a name for what is hinted",
    "journal": "ledger",
    "places": "backends, destinations",
    "sentences": "messages, errors",
    "story": "scenario",
    "truth": "expected contents",
    "utils": "a name for what it holds",
}

# Expressions, and what to write instead. Whole words, any case, in every line of a file.
EXPRESSIONS = {
    r"answer(s|ed|ing)?|question(s|ed)?": "request, response, return",
    r"asks|asked": "request, query, call",
    r"told|tells": "return, report, show",
    r"said": "reported, returned",
    r"stands(?! for)": "is",
    r"whoever": "a noun",
    r"by and by": "gradually, later",
    r"of its own accord": "by itself",
    r"as is its way": "by default",
}
DOCSTRING_STARTS = re.compile(r"(what|who|whoever|which|how|whether|why|where|when)\b", re.IGNORECASE)

# By file, texts in which an expression is meant as it is.
ALLOWED = {
    "tests/packaging/test_language.py": r".*",
}

FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.md", "*.toml", ".ci/run"],  # noqa: S607
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
FILES = [name for name in FILES if (ROOT / name).exists()]


def expressions_in(text: str) -> Iterator[tuple[int, str]]:
    """Yields the number of each line with an expression, and what to write instead."""
    for number, line in enumerate(text.splitlines(), 1):
        for expression, instead in EXPRESSIONS.items():
            if found := re.search(rf"(?<![\w-])(?:{expression})(?![\w-])", line, re.IGNORECASE):
                yield number, f"{found[0]!r} ({instead})"


def findings(name: str) -> Iterator[str]:
    """Yields the findings in one file, each with its line."""
    text = (ROOT / name).read_text()
    allowed = re.compile(ALLOWED.get(name, r"(?!)"))
    lines = text.splitlines()
    for number, finding in expressions_in(text):
        if not allowed.search(lines[number - 1]):
            yield f"{name}:{number}: {finding}: {lines[number - 1].strip()}"
    if name.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                docstring = ast.get_docstring(node) or ""
                if DOCSTRING_STARTS.match(docstring):
                    at = getattr(node, "lineno", 1)
                    yield f"{name}:{at}: begin with a verb or a noun: {docstring.splitlines()[0]}"


@pytest.mark.parametrize("folder", ["sources", "pipelines", "docs", "tests", "."])
def test_code_and_prose_speak_the_fields_language(folder: str) -> None:
    own = [name for name in FILES if (Path(name).parts[0] if folder != "." else str(Path(name).parent)) == folder]

    found = [finding for name in own for finding in findings(name)]

    assert own
    assert not found, f"{len(found)} findings\n" + "\n".join(found)


def test_names_of_modules_and_folders_say_what_they_hold() -> None:
    found = {
        f"{name}: {part} ({MODULE_NAMES[part]})"
        for name in FILES
        if name.endswith(".py")
        for part in Path(name).with_suffix("").parts
        if part.removeprefix("test_") in MODULE_NAMES
    }

    assert not found, "\n".join(sorted(found))


def test_the_lists_find_what_they_are_for() -> None:
    text = "# Whoever asked was told.\nThe answer stands here.\na stand-in stands for a service\nbasked, unsaid, ask"

    assert [int(line) for line, _ in expressions_in(text)] == [1, 1, 1, 2, 2]
