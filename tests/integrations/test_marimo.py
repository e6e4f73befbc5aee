"""The notebook of the documentation, run on DuckDB and Postgres: ten answers, each with rows of the view it names."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path
from typing import Any

import pytest

from claude_code_pipelines.metrics.catalog import VIEWS
from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import SampleOrganization
from support.backends.duckdb_file import DuckDb
from support.backends.postgres_server import Postgres
from support.imports import ROOT
from support.world import TODAY, World

NOTEBOOK = (ROOT / "docs" / "explore.py").read_text()
FIRST = TODAY - dt.timedelta(days=90)


@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_each_of_ten_questions_is_answered_from_the_view_that_it_names(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    code = NOTEBOOK
    backend: Any = DuckDb(tmp_path / "claude_code_analytics.duckdb")  # in the current folder, as the notebook expects
    if name == "postgres":
        backend = Postgres(request.getfixturevalue("postgres"), "with_marimo")
        (example,) = re.findall(r"# for another warehouse: (.*)\.\.\.", code)
        engine = example + backend.address.partition("//")[2]
        code = re.sub(r"duckdb\.connect\(.*\)", f'{engine}")', code)
        code = code.replace("import duckdb\n", "import sqlalchemy\n")
    world = World(tmp_path, backend=backend, organization=SampleOrganization(developers=12))
    world.backfill(FIRST, TODAY, window_days=200)
    create_views(world.pipeline)

    module: dict[str, Any] = {"__name__": "explore", "__file__": str(tmp_path / "explore.py")}
    (tmp_path / "explore.py").write_text(code)
    exec(compile(code, module["__file__"], "exec"), module)  # noqa: S102
    outputs, _ = module["app"].run()

    head, *answers = [html.unescape(output.text).replace("\\", "") for output in outputs if output is not None]
    assert "5a3f1c0d-7e2b-4b6a-9c41-d2e8f0a6b713" in head
    assert len(answers) == 10
    assert "Who uses it?" in answers[0]
    assert "What changed?" in answers[-1]
    for answer in answers:
        (view,) = re.findall(r"<code>(\w+)</code>", answer)
        assert view in {view.name for view in VIEWS}
        assert re.search(r'"datasets": \{"data-\w+": \[\{', answer) or "sample.example" in answer, answer[:300]
