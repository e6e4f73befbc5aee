"""Views on top of the tables (decision D15)."""

from __future__ import annotations

import dlt

from claude_code_analytics import ConfigurationError
from claude_code_analytics.claude_code.columns import MODEL_BREAKDOWN, USAGE
from claude_code_analytics.destination.destinations import destination_named, kind_of
from claude_code_analytics.settings import SOURCE_NAME

from .errors import translate_errors

COSTS_VIEW = "claude_code_costs"

# One row for each model of each record. A cost in another currency is NULL: it is never summed with dollars.
_COSTS = """
CREATE OR REPLACE VIEW {view} AS
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


def create_views(pipeline: dlt.Pipeline) -> list[str]:
    """Creates or replaces the views in the pipeline's dataset.

    Returns:
        Their names.

    Raises:
        ConfigurationError: Nothing is loaded yet, or the tables are files.
        DestinationError: The warehouse rejected a view.
    """
    if SOURCE_NAME not in pipeline.schema_names:
        raise ConfigurationError("nothing is loaded yet: load first, then create the views")
    if destination_named(kind_of(pipeline)).table_format:
        raise ConfigurationError("Delta tables have no views: create them in the engine that reads the tables")
    with translate_errors("the view could not be created"), pipeline.sql_client(SOURCE_NAME) as client:
        client.execute_sql(
            _COSTS.format(
                view=client.make_qualified_table_name(COSTS_VIEW),
                models=client.make_qualified_table_name(MODEL_BREAKDOWN.name),
                usage=client.make_qualified_table_name(USAGE.name),
            )
        )
    return [COSTS_VIEW]
