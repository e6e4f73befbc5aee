SELECT
  organization_id, date, actor_type, actor,
  CAST(SUM(sessions) AS INT64) AS sessions, CAST(SUM(lines_added) AS INT64) AS lines_added,
  CAST(SUM(lines_removed) AS INT64) AS lines_removed, CAST(SUM(commits) AS INT64) AS commits,
  CAST(SUM(pull_requests) AS INT64) AS pull_requests, CAST(SUM(accepted) AS INT64) AS accepted,
  CAST(SUM(rejected) AS INT64) AS rejected, CAST(SUM(tokens_input) AS INT64) AS tokens_input,
  CAST(SUM(tokens_output) AS INT64) AS tokens_output, CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
  CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation, SUM(api_cost_usd) AS api_cost_usd,
  SUM(subscription_value_usd) AS subscription_value_usd, SUM(other_cost_usd) AS other_cost_usd,
  MAX(CASE WHEN is_active THEN 1 ELSE 0 END) = 1 AS is_active
FROM claude_code_records
GROUP BY organization_id, date, actor_type, actor
