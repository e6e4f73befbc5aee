"""Lines of docs/reference.md: commands, parameters, names for Python, errors, tables and measures, from the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator

import click

import claude_code_analytics as source
import claude_code_pipelines as pipelines
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.warehouse.schema import Column
from claude_code_pipelines.cli import commands
from claude_code_pipelines.cli.epilogs import EPILOGS
from claude_code_pipelines.exit_codes import exit_code
from claude_code_pipelines.metrics.measures import MEASURES

_GROUP = click.Context(commands, **commands.context_settings)
COMMANDS = {name: commands.get_command(_GROUP, name) for name in commands.list_commands(_GROUP)}
TABLES = (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)
_PUBLIC = {name: getattr(package, name) for package in (pipelines, source) for name in package.__all__}
ERRORS = {name: found for name, found in _PUBLIC.items() if isinstance(found, type) and issubclass(found, Exception)}
NAMES = {name: found for name, found in _PUBLIC.items() if name not in {*ERRORS, source.claude_code_analytics.name}}


def _table(title: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield from (f"| {' | '.join(title)} |", "|---" * len(title) + "|")
    yield from (f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def _sections(found: object) -> dict[str, str]:
    """Returns the sections of a docstring by title; its text has none."""
    text, *sections = re.split(r"^(\w+):\n(?= )", inspect.getdoc(found) or "", flags=re.MULTILINE)
    return {"": text.strip(), **dict(zip(sections[::2], map(inspect.cleandoc, sections[1::2]), strict=True))}


def _named(found: object, title: str) -> dict[str, str]:
    """Returns the names and meanings in a section of a docstring."""
    return dict(re.findall(r"^(\w+): (.*(?:\n +.*)*)", _sections(found).get(title, ""), re.MULTILINE))


# Command line


def command_lines() -> Iterator[str]:
    """Yields the commands."""
    yield from _table(("command", "does"), ((f"`{name}`", command.help) for name, command in COMMANDS.items()))


def option_lines() -> Iterator[str]:
    """Yields the options, each once, with the commands that have it."""
    users: dict[tuple[str, str], list[str]] = {}
    for name, command in COMMANDS.items():
        for option in command.params:
            users.setdefault(option.get_help_record(click.Context(command, _GROUP)), []).append(f"`{name}`")
    rows = ((f"`{option}`", ", ".join(names), text) for (option, text), names in users.items())
    yield from _table(("option", "of", "meaning"), rows)


def exit_code_lines() -> Iterator[str]:
    """Yields what the exit codes of the commands mean, beside 0."""
    rows = ((f"`{name}`", epilog.incomplete, epilog.mistake) for name, epilog in EPILOGS.items())
    yield from _table(("command", "1", "2"), rows)


def variable_lines() -> Iterator[str]:
    """Yields the environment variables that the help of a command names."""
    found = {name: meaning for epilog in EPILOGS.values() for name, meaning in epilog.variables.items()}
    yield from _table(("variable", "meaning"), ((f"`{name}`", meaning) for name, meaning in found.items()))


# Python


def parameter_lines() -> Iterator[str]:
    """Yields the parameters of the source, less the one that dlt fills in."""
    yield from _parameters(source.claude_code_analytics, leaving_out="config")


def _parameters(function: Callable[..., object], leaving_out: str = "") -> Iterator[str]:
    declared, meanings = inspect.signature(function).parameters, _named(function, "Args")
    rows = (
        (
            f"`{name}`",
            f"`{declared[name].annotation.replace('TSecretStrValue', 'str')}`",
            _default(declared[name]),
            meaning,
        )
        for name, meaning in meanings.items()
        if name != leaving_out
    )
    yield from _table(("parameter", "type", "default", "meaning"), rows)


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return "required"
    shown = repr(parameter.default)
    return "" if shown.startswith("<") else f"`{shown}`"  # an object, which has no text of its own


def python_lines() -> Iterator[str]:
    """Yields the functions and classes; the source and the errors have sections of their own."""
    for name, found in NAMES.items():
        yield from ("", f"### `{name}`", "", _sections(found)[""])
        if _named(found, "Args"):
            yield from ("", *_parameters(found))
        if members := {f"`{name}`": meaning for name, meaning in _members(found).items()}:
            yield from ("", *_table(("member", "meaning"), iter(members.items())))
        if raised := {f"`{name}`": meaning for name, meaning in _named(found, "Raises").items()}:
            yield from ("", *_table(("raises", "when"), iter(raised.items())))


def _members(found: object) -> dict[str, str]:
    """Returns the attributes and methods of a class."""
    public = (
        {name: each for name, each in vars(found).items() if not name.startswith("_")} if inspect.isclass(found) else {}
    )
    return _named(found, "Attributes") | {
        f"{name}{_arguments(each) if callable(each) else ''}": _sections(each)[""]
        for name, each in public.items()
        if callable(each) or isinstance(each, property)
    }


def _arguments(method: Callable[..., object]) -> str:
    return f"({', '.join(list(inspect.signature(method).parameters)[1:])})"


def error_lines() -> Iterator[str]:
    """Yields the errors. The text of each docstring says what it means, and then what to do."""
    rows = (
        (f"`{name}`", f"`{error.__base__.__name__}`", *_sections(error)[""].split("\n\n"), _exit_code(error))
        for name, error in ERRORS.items()
    )
    yield from _table(("error", "kind of", "meaning", "what to do", "exit code"), rows)
    attributes = (
        (f"`{name}.{key}`", meaning)
        for name, error in ERRORS.items()
        for key, meaning in _named(error, "Attributes").items()
    )
    yield from ("", *_table(("attribute", "meaning"), attributes))


def _exit_code(error: type[Exception]) -> str:
    return str(exit_code(error.__new__(error), has_committed=False))


# Tables


def table_lines() -> Iterator[str]:
    """Yields the tables with their columns."""
    for table in TABLES:
        yield from ("", f"### `{table.name}`", "", table.description, "")
        rows = ((f"`{column.name}`", _type(column), column.description) for column in table.columns)
        yield from _table(("column", "type", "meaning"), rows)


def _type(column: Column) -> str:
    digits = f"({column.precision}, {column.scale})" if column.scale else ""
    return f"{column.data_type}{digits}{'' if column.nullable else ', not NULL'}"


def measure_lines() -> Iterator[str]:
    """Yields the numbers of summary and report."""
    rows = ((f"`{each.key}`", each.title, each.meaning or "as in the [views](views.md)") for each in MEASURES.values())
    yield from _table(("name", "title", "meaning"), rows)
