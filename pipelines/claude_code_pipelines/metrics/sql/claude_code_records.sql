SELECT
  u._dlt_id, u.organization_id, u.date, u.actor__type AS actor_type,
  CASE
    WHEN u.actor__type = 'api_actor' THEN u.actor__api_key_name
    WHEN u.actor__type = 'user_actor' THEN TRIM(
      -- TRANSLATE is slow. Where LOWER finds nothing to do in any locale, it has nothing to do either.
      CASE
        WHEN LOWER(u.actor__email_address) = u.actor__email_address THEN u.actor__email_address
        ELSE TRANSLATE(u.actor__email_address, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')
      END,
      CONCAT(' ', CHR(9), CHR(10), CHR(13))
    )
  END AS actor,
  u.customer_type, u.subscription_type, u.terminal_type, u.is_remote,
  u.core_metrics__num_sessions AS sessions,
  u.core_metrics__lines_of_code__added AS lines_added,
  u.core_metrics__lines_of_code__removed AS lines_removed,
  u.core_metrics__commits_by_claude_code AS commits,
  u.core_metrics__pull_requests_by_claude_code AS pull_requests,
  t.accepted, t.rejected,
  m.tokens_input, m.tokens_output, m.tokens_cache_read, m.tokens_cache_creation,
  CASE WHEN u.customer_type = 'api' THEN m.usd END AS api_cost_usd,
  CASE WHEN u.customer_type = 'subscription' THEN m.usd END AS subscription_value_usd,
  CASE WHEN COALESCE(u.customer_type, '') NOT IN ('api', 'subscription') THEN m.usd END AS other_cost_usd,
  m.usd IS NOT NULL AS has_cost,
  COALESCE(u.core_metrics__num_sessions, 0) > 0 OR COALESCE(u.core_metrics__lines_of_code__added, 0) > 0
    OR COALESCE(u.core_metrics__lines_of_code__removed, 0) > 0
    OR COALESCE(u.core_metrics__commits_by_claude_code, 0) > 0
    OR COALESCE(u.core_metrics__pull_requests_by_claude_code, 0) > 0
    OR COALESCE(t.accepted, 0) > 0 OR COALESCE(t.rejected, 0) > 0
    OR COALESCE(m.has_use, 0) = 1 AS is_active
FROM claude_code_usage AS u
JOIN claude_code_day_ledger AS l ON l.organization_id = u.organization_id AND l.date = u.date
LEFT JOIN (
  SELECT
    date, _dlt_parent_id,
    CAST(SUM(accepted) AS INT64) AS accepted, CAST(SUM(rejected) AS INT64) AS rejected
  FROM claude_code_usage__tool_actions
  GROUP BY date, _dlt_parent_id
) AS t ON t._dlt_parent_id = u._dlt_id AND t.date = u.date
LEFT JOIN (
  SELECT
    date, _dlt_parent_id,
    CAST(SUM(tokens__input) AS INT64) AS tokens_input, CAST(SUM(tokens__output) AS INT64) AS tokens_output,
    CAST(SUM(tokens__cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens__cache_creation) AS INT64) AS tokens_cache_creation,
    SUM(CASE WHEN estimated_cost__currency = 'USD' THEN estimated_cost__amount END) * CAST('0.01' AS DECIMAL(3, 2))
      AS usd,
    MAX(
      CASE
        WHEN tokens__input > 0 OR tokens__output > 0 OR tokens__cache_read > 0 OR tokens__cache_creation > 0
          OR estimated_cost__amount > 0 THEN 1
        ELSE 0
      END
    ) AS has_use
  FROM claude_code_usage__model_breakdown
  GROUP BY date, _dlt_parent_id
) AS m ON m._dlt_parent_id = u._dlt_id AND m.date = u.date
