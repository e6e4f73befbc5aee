SELECT
  l.organization_id, l.date,
  CASE WHEN l.records = 0 THEN 0 ELSE s.sessions END AS sessions,
  CASE WHEN l.records = 0 THEN 0 ELSE s.lines_added END AS lines_added,
  CASE WHEN l.records = 0 THEN 0 ELSE s.lines_removed END AS lines_removed,
  CASE WHEN l.records = 0 THEN 0 ELSE s.commits END AS commits,
  CASE WHEN l.records = 0 THEN 0 ELSE s.pull_requests END AS pull_requests,
  CASE WHEN l.records = 0 THEN 0 ELSE s.accepted END AS accepted,
  CASE WHEN l.records = 0 THEN 0 ELSE s.rejected END AS rejected,
  CASE WHEN l.records = 0 THEN 0 ELSE s.tokens_input END AS tokens_input,
  CASE WHEN l.records = 0 THEN 0 ELSE s.tokens_output END AS tokens_output,
  CASE WHEN l.records = 0 THEN 0 ELSE s.tokens_cache_read END AS tokens_cache_read,
  CASE WHEN l.records = 0 THEN 0 ELSE s.tokens_cache_creation END AS tokens_cache_creation,
  CASE WHEN l.records = 0 THEN 0 ELSE s.cost_usd END AS cost_usd,
  t.accepted / NULLIF(t.accepted + t.rejected, 0) AS acceptance_rate,
  s.cache_read / NULLIF(s.tokens_in, 0) AS cache_read_share,
  s.sessions_with_cost / NULLIF(s.sessions, 0) AS cost_coverage,
  l.is_final
FROM claude_code_day_ledger AS l
LEFT JOIN (
  SELECT
    organization_id, date,
    CAST(SUM(sessions) AS INT64) AS sessions, CAST(SUM(lines_added) AS INT64) AS lines_added,
    CAST(SUM(lines_removed) AS INT64) AS lines_removed, CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests, CAST(SUM(accepted) AS INT64) AS accepted,
    CAST(SUM(rejected) AS INT64) AS rejected, CAST(SUM(tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(tokens_output) AS INT64) AS tokens_output,
    CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation, SUM(cost_usd) AS cost_usd,
    SUM(CASE WHEN has_cost THEN sessions END) AS sessions_with_cost,
    SUM(tokens_cache_read) AS cache_read,
    SUM(COALESCE(tokens_input, 0) + COALESCE(tokens_cache_read, 0) + COALESCE(tokens_cache_creation, 0)) AS tokens_in
  FROM claude_code_records
  GROUP BY organization_id, date
) AS s ON s.organization_id = l.organization_id AND s.date = l.date
LEFT JOIN (
  SELECT organization_id, date, SUM(accepted) AS accepted, SUM(rejected) AS rejected
  FROM claude_code_usage__tool_actions
  WHERE accepted IS NOT NULL AND rejected IS NOT NULL
  GROUP BY organization_id, date
) AS t ON t.organization_id = l.organization_id AND t.date = l.date
