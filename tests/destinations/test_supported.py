"""The support table: every other destination is refused by name at each door, and the docs show the table."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import dlt
import pytest
import tomlkit
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.warehouse.destinations import NAMES, SUPPORTED, Destination
from claude_code_pipelines import load
from support.world import World

DOCS = Path(__file__).parents[2] / "docs" / "destinations.md"
TABLE = re.compile(r"(?<=<!-- support table -->\n).*?(?=<!-- end -->)", re.DOTALL)
# `destination` is dlt's decorator for functions, `hf` a file system.
OTHERS = sorted(set(dlt.destinations.__all__) - {each.name for each in SUPPORTED} - {"destination", "hf"})
EVIDENCE = {"tested": "tested", "stand-in": "tested with a stand-in", "expected": "expected to work"}


def capabilities(name: str) -> DestinationCapabilitiesContext:
    found: DestinationCapabilitiesContext = getattr(dlt.destinations, name)().capabilities()
    return found


@pytest.mark.parametrize("name", [*OTHERS, "a function"])
def test_any_other_destination_is_refused_by_name_before_anything_is_requested(world: World, name: str) -> None:
    destination: Any
    if name == "a function":
        destination, kind = dlt.destination(lambda items, table: None), r"\S+"
    else:
        options = {"lancedb": {"lance_uri": "x"}}.get(name, {})
        destination, kind = getattr(dlt.destinations, name)(**options), name
    pipeline = dlt.pipeline("other", destination=destination, pipelines_dir=str(world.machine))
    message = f"destination {kind} is not supported: .*use one of {NAMES}"

    with world.client() as client, pytest.raises(ConfigurationError, match=message):
        load(pipeline, client=client)
    with pytest.raises(PipelineStepFailed, match=message):
        pipeline.extract(world.source())

    assert not world.api.requests


def test_delta_needs_its_writer(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    pipeline = dlt.pipeline("lake", destination=dlt.destinations.filesystem(str(tmp_path)))
    with pytest.raises(PipelineStepFailed, match=r"install their writer: pip install .*\[delta\]'"):
        pipeline.extract(world.source())


@pytest.mark.parametrize("destination", SUPPORTED, ids=lambda each: each.name)
def test_dlt_can_do_there_what_days_need(destination: Destination) -> None:
    found = capabilities(destination.name)
    assert destination.strategy in (found.supported_merge_strategies or ())
    formats = {*(found.supported_loader_file_formats or ()), *(found.supported_staging_file_formats or ())}
    assert destination.file_format is None or destination.file_format in formats | {"parquet"}


def support_table() -> str:
    lines = ["| destination | how it is tested | notes |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {EVIDENCE[each.evidence]} | {each.notes} |" for each in SUPPORTED]
    return "\n".join(lines) + "\n"


def test_the_docs_show_the_support_table_of_the_code() -> None:
    """With UPDATE_DOCS=1 in the environment the test writes the table instead."""
    text = DOCS.read_text()
    if os.environ.get("UPDATE_DOCS"):
        DOCS.write_text(TABLE.sub(lambda found: support_table(), text))
        return
    shown = TABLE.search(text)
    assert shown, "docs/destinations.md has lost the comments around its support table"
    assert shown[0] == support_table(), "run this test with UPDATE_DOCS=1"


def test_the_docs_describe_the_layout_on_bigquery() -> None:
    bigquery = next(each for each in SUPPORTED if each.name == "bigquery")
    text = DOCS.read_text()
    for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger):
        hints = bigquery.table_hints(table)
        ((column, template),) = hints["x-bigquery-partition"].items()
        assert f"`{template.format(column_name=column)}`" in text
        assert all(f"`{each}`" in text for each in hints["x-bigquery-cluster-columns"])


def test_every_setting_in_the_docs_is_one_that_dlt_knows() -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        for name, settings in tomlkit.parse(block).unwrap()["destination"].items():
            fields = getattr(dlt.destinations, name)().spec.get_resolvable_fields()
            assert set(settings) <= set(fields), (name, settings)
            if isinstance(settings.get("credentials"), dict) and name == "snowflake":
                assert set(settings["credentials"]) <= set(fields["credentials"].get_resolvable_fields())
