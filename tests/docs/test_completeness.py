"""Names that users meet, each of them looked up in the pages: none is undocumented."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator

import click
import pytest

from claude_code_analytics import claude_code_analytics
from claude_code_pipelines.__main__ import _DLT, _ENCODING_SETTINGS
from claude_code_pipelines.cli.epilogs import EPILOGS
from claude_code_pipelines.metrics.catalog import MEASURES, VIEWS
from claude_code_pipelines.metrics.measures import MEASURES as NUMBERS
from support.imports import FOLDERS, ROOT
from support.reference import COMMANDS, ERRORS, NAMES, TABLES

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Sections of all pages, by their titles.
SECTIONS: dict[str, str] = {}
for page in PAGES:
    for title, text in re.findall(r"^#+ (.*)\n((?:(?!#+ ).*\n?)*)", page.read_text(), re.MULTILINE):
        SECTIONS[title.strip("`")] = SECTIONS.get(title.strip("`"), "") + text

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_+[A-Z0-9]+)+")
# Texts that look like one and are none: a reason of OpenSSL, a name of Python, the second half of names in `_DLT`.
_NO_VARIABLES = {"WRONG_VERSION_NUMBER", "SAMPLE_ORGANIZATION_ID", *_DLT}

# A name, and the title of the section that has it; empty: anywhere.
Name = tuple[str, str]


def options() -> Iterator[Name]:
    for command in COMMANDS.values():
        for option in command.params:
            if isinstance(option, click.Option):
                yield from ((name, "Options") for name in (*option.opts, *option.secondary_opts))


def members() -> Iterator[Name]:
    """Yields the parameters of the public functions, and the fields of the public classes."""
    for name, found in NAMES.items():
        if dataclasses.is_dataclass(found):
            yield from ((field.name, name) for field in dataclasses.fields(found))
        elif inspect.isfunction(found):
            yield from ((parameter, name) for parameter in inspect.signature(found).parameters)


def view_columns() -> Iterator[Name]:
    for view in VIEWS:
        yield from ((name, "What they show" if name in MEASURES else view.name) for name in view.meanings)


def variables() -> Iterator[Name]:
    """Yields the environment variables: all texts of the code that look like one, and those that do not."""
    yield from ((name, "") for epilog in EPILOGS.values() for name in epilog.variables)
    yield from ((f"RUNTIME__{name}", "") for name in _DLT)
    yield from ((name, "") for name in _ENCODING_SETTINGS)
    for package, folder in FOLDERS.items():
        for file in (folder / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and _VARIABLE.fullmatch(str(node.value)):
                    yield from [(node.value, "")] if node.value not in _NO_VARIABLES else []


KINDS: dict[str, set[Name]] = {
    "command": {(name, "Commands") for name in COMMANDS},
    "option": set(options()),
    "environment variable": set(variables()),
    "parameter": {(name, "Parameters") for name in inspect.signature(claude_code_analytics).parameters}
    - {("config", "Parameters")},
    "public name": {(name, name) for name in NAMES},
    "member": set(members()),
    "error": {(name, "Errors") for name in ERRORS},
    "table": {(table.name, table.name) for table in TABLES},
    "column": {(column, table.name) for table in TABLES for column in table.column_names},
    "view": {(view.name, view.name) for view in VIEWS},
    "column of a view": set(view_columns()),
    "measure": {(name, "Measures") for name in NUMBERS},
}


def is_documented(name: str, title: str) -> bool:
    """Returns whether a section bears the name, or has it in code, such as `--end DAY`."""
    text = SECTIONS.get(title, "") if title else "".join(SECTIONS.values())
    return name == title in SECTIONS or bool(re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`", text))


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_users_meet_is_documented(kind: str) -> None:
    assert [(name, title) for name, title in sorted(KINDS[kind]) if not is_documented(name, title)] == []


@pytest.mark.parametrize("name", ERRORS)
def test_the_text_of_an_error_class_says_what_it_means_and_what_to_do(name: str) -> None:
    text, *_ = re.split(r"^\w+:\n", inspect.getdoc(ERRORS[name]) or "", flags=re.MULTILINE)

    assert len(text.strip().split("\n\n")) == 2
