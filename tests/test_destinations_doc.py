"""What docs/destinations.md says holds: every destination is named, and its sentences and statements are the code's."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import dlt
import pytest
import tomlkit
from dlt.common.destination import DestinationCapabilitiesContext

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_analytics.dates import DayRange, parse_day
from claude_code_analytics.destination.destinations import (
    FILE_FORMATS,
    SERVED,
    TABLE_HINTS,
    Target,
    require_replaceable,
)
from claude_code_analytics.destination.replace_days import scope
from claude_code_pipelines import Warehouse

TEXT = (Path(__file__).parents[1] / "docs" / "destinations.md").read_text()
FACTS = {
    name: (tested, files)
    for name, tested, files in re.findall(r"^\| `(\w+)` \| ([\w, -]+) \| ([^|]+) \|", TEXT, re.MULTILINE)
}
REFUSED = re.findall(r"`(\w+)`", TEXT[TEXT.index("Refused, with") : TEXT.index("functions of your own")])
KINDS = {"parquet": "Parquet", "jsonl": "JSON lines", "insert_values": "`INSERT` statements"}


def sentences() -> list[str]:
    return [text.strip() for text in re.findall(r"^```text\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)]


def capabilities(name: str) -> DestinationCapabilitiesContext:
    found: DestinationCapabilitiesContext = getattr(dlt.destinations, name)().capabilities()
    return found


def test_every_destination_that_is_served_has_its_line() -> None:
    assert tuple(FACTS) == SERVED


@pytest.mark.parametrize("name", SERVED)
def test_what_is_served_is_not_refused_and_gets_the_files_that_are_written_there(name: str) -> None:
    found = capabilities(name)

    require_replaceable(name, found)

    wanted = Target(name, found).file_format
    assert wanted is None or FACTS[name][1].startswith(KINDS[wanted])
    staged = KINDS[FILE_FORMATS[name]] if name in FILE_FORMATS else ""
    assert ("staged" in FACTS[name][1]) == bool(found.supported_staging_file_formats)
    assert not found.supported_staging_file_formats or staged in FACTS[name][1]


@pytest.mark.parametrize("name", [name for name in dlt.destinations.__all__ if name not in SERVED])
def test_every_other_destination_of_dlt_is_refused_or_no_destination(name: str) -> None:
    if name in ("destination", "hf"):
        return  # functions of one's own, and a layer on top of `filesystem`
    assert name in REFUSED
    if name == "sqlalchemy":
        return  # needs a driver to be made; its dialects are none of those that are known
    with pytest.raises(DestinationError, match=f"the destination {name} cannot replace days"):
        require_replaceable(name, capabilities(name))


def test_the_sentences_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DestinationError) as no_merge:
        require_replaceable("athena", capabilities("athena"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DestinationError) as plain_files:
        require_replaceable("filesystem", capabilities("filesystem"))
    monkeypatch.undo()
    with pytest.raises(ConfigurationError) as no_bucket:
        Warehouse(staging="filesystem").open()

    without_bucket = str(no_bucket.value).replace("duckdb", "postgres")
    assert sentences() == [str(no_merge.value), without_bucket, str(plain_files.value)]


def test_the_statement_is_the_one_that_is_run() -> None:
    (statement,) = re.findall(r"^DELETE FROM .*?^```", TEXT, re.MULTILINE | re.DOTALL)
    days = DayRange(parse_day("2026-09-13", "first"), parse_day("2026-09-20", "last"))

    written = scope(["5a3f1c0d"], days, Target("bigquery", capabilities("bigquery")))

    assert written.replace("5a3f1c0d", "5a3f1c0d-...").removesuffix(" /* CREATE */") in statement


def test_the_layout_of_bigquery_is_the_one_that_is_described() -> None:
    for hints in TABLE_HINTS["bigquery"].values():
        ((column, template),) = hints["x-bigquery-partition"].items()
        assert f"`{template.format(column_name=column)}`" in TEXT
        assert all(f"`{each}`" in TEXT for each in hints["x-bigquery-cluster-columns"])


def test_every_setting_is_one_that_dlt_knows() -> None:
    for block in re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        for name, settings in tomlkit.parse(block).unwrap()["destination"].items():
            spec = getattr(dlt.destinations, name)().spec
            fields = set(spec.get_resolvable_fields())
            assert set(settings) <= fields, (name, settings)
            if isinstance(settings.get("credentials"), dict) and name == "snowflake":
                known = set(spec.get_resolvable_fields()["credentials"].get_resolvable_fields())
                assert set(settings["credentials"]) <= known
