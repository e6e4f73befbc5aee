"""Views on top of the tables, for people who think in US dollars (decision D8). Made on request, never by a load."""

from __future__ import annotations

import dlt

from claude_code_analytics import ConfigurationError
from claude_code_analytics.settings import MODEL_BREAKDOWN_TABLE, USAGE_TABLE

from .errors import plain_errors
from .pipeline import analytics_schema, is_lake

COSTS_VIEW = "claude_code_costs"

_CREATE = {"tsql": "CREATE OR ALTER VIEW", "fabric": "CREATE OR ALTER VIEW"}
"""How a view is created anew, by dlt's name of the dialect; `CREATE OR REPLACE VIEW` elsewhere."""

_COSTS = """
{create} {view} AS
SELECT
  m.organization_id, m.date,
  u.actor__type, u.actor__email_address, u.actor__api_key_name,
  u.customer_type, u.terminal_type, u.is_remote,
  m.model, m.tokens__input, m.tokens__output, m.tokens__cache_read, m.tokens__cache_creation,
  CASE WHEN m.estimated_cost__currency = 'USD'
    THEN m.estimated_cost__amount * CAST('0.01' AS DECIMAL(3, 2)) END AS estimated_cost_usd
FROM {models} AS m
JOIN {usage} AS u ON u._dlt_id = m._dlt_parent_id AND u.date = m.date
"""
"""One row for each model of each record. A cost in another currency is NULL here: it is never summed with dollars."""


def create_views(pipeline: dlt.Pipeline) -> list[str]:
    """Creates or replaces the views in the pipeline's dataset.

    Returns:
        Their names.

    Raises:
        ConfigurationError: Nothing is loaded yet, or the tables are files.
        DestinationError: The warehouse refused.
    """
    schema = analytics_schema(pipeline)
    if schema is None:
        raise ConfigurationError("nothing is loaded yet: load first, then create the views")
    if is_lake(pipeline):
        raise ConfigurationError("a lake keeps no views: create them in the engine that reads its tables")
    with plain_errors(), pipeline.sql_client(schema.name) as client:
        client.execute_sql(
            _COSTS.format(
                create=_CREATE.get(client.capabilities.sqlglot_dialect or "", "CREATE OR REPLACE VIEW"),
                view=client.make_qualified_table_name(COSTS_VIEW),
                models=client.make_qualified_table_name(MODEL_BREAKDOWN_TABLE),
                usage=client.make_qualified_table_name(USAGE_TABLE),
            )
        )
    return [COSTS_VIEW]
