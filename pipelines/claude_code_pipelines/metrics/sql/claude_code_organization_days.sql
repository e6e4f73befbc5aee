WITH counted AS (
  SELECT organization_id, date, 'user_actor' AS actor_type FROM claude_code_day_ledger
  UNION ALL
  SELECT organization_id, date, 'api_actor' AS actor_type FROM claude_code_day_ledger
), sums AS (
  SELECT
    organization_id, date, actor_type, COUNT(*) AS records,
    COUNT(CASE WHEN customer_type = 'api' THEN 1 END) AS api_records,
    COUNT(CASE WHEN customer_type = 'subscription' THEN 1 END) AS subscription_records,
    COUNT(CASE WHEN COALESCE(customer_type, '') NOT IN ('api', 'subscription') THEN 1 END) AS other_records,
    CAST(SUM(sessions) AS INT64) AS sessions, CAST(SUM(lines_added) AS INT64) AS lines_added,
    CAST(SUM(lines_removed) AS INT64) AS lines_removed, CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests, CAST(SUM(accepted) AS INT64) AS accepted,
    CAST(SUM(rejected) AS INT64) AS rejected, CAST(SUM(tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(tokens_output) AS INT64) AS tokens_output, CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation, SUM(api_cost_usd) AS api_cost_usd,
    SUM(subscription_value_usd) AS subscription_value_usd, SUM(other_cost_usd) AS other_cost_usd,
    SUM(CASE WHEN customer_type = 'api' THEN sessions END) AS api_sessions,
    SUM(CASE WHEN customer_type = 'api' THEN CASE WHEN has_cost THEN sessions ELSE 0 END END) AS covered_sessions,
    SUM(tokens_cache_read) AS cache_read,
    SUM(COALESCE(tokens_input, 0) + COALESCE(tokens_cache_read, 0) + COALESCE(tokens_cache_creation, 0)) AS tokens_in
  FROM claude_code_records
  GROUP BY organization_id, date, actor_type
), decided AS (
  SELECT
    u.organization_id, u.date, u.actor__type AS actor_type, SUM(t.accepted) AS accepted,
    SUM(t.accepted + t.rejected) AS decisions
  FROM claude_code_usage__tool_actions AS t
  JOIN claude_code_usage AS u
    ON u._dlt_id = t._dlt_parent_id AND u.date = t.date
  WHERE t.accepted IS NOT NULL AND t.rejected IS NOT NULL
  GROUP BY u.organization_id, u.date, u.actor__type
)
SELECT
  l.organization_id, l.date, COALESCE(c.actor_type, s.actor_type) AS actor_type,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.sessions END AS sessions,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.lines_added END AS lines_added,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.lines_removed END AS lines_removed,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.commits END AS commits,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.pull_requests END AS pull_requests,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.accepted END AS accepted,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.rejected END AS rejected,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.tokens_input END AS tokens_input,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.tokens_output END AS tokens_output,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.tokens_cache_read END AS tokens_cache_read,
  CASE WHEN s.records IS NULL THEN 0 ELSE s.tokens_cache_creation END AS tokens_cache_creation,
  CASE WHEN COALESCE(s.api_records, 0) = 0 THEN 0 ELSE s.api_cost_usd END AS api_cost_usd,
  CASE WHEN COALESCE(s.subscription_records, 0) = 0 THEN 0 ELSE s.subscription_value_usd END AS subscription_value_usd,
  CASE WHEN COALESCE(s.other_records, 0) = 0 THEN 0 ELSE s.other_cost_usd END AS other_cost_usd,
  d.accepted / NULLIF(d.decisions, 0) AS acceptance_rate,
  s.cache_read / NULLIF(s.tokens_in, 0) AS cache_read_share,
  s.covered_sessions / NULLIF(s.api_sessions, 0) AS cost_coverage,
  l.is_final
FROM counted AS c
FULL JOIN sums AS s ON s.organization_id = c.organization_id AND s.date = c.date AND s.actor_type = c.actor_type
JOIN claude_code_day_ledger AS l
  ON l.organization_id = COALESCE(c.organization_id, s.organization_id) AND l.date = COALESCE(c.date, s.date)
LEFT JOIN decided AS d
  ON d.organization_id = l.organization_id AND d.date = l.date
  AND (
    d.actor_type = COALESCE(c.actor_type, s.actor_type)
    OR (d.actor_type IS NULL AND COALESCE(c.actor_type, s.actor_type) IS NULL)
  )
