SELECT
  a.organization_id, a.month, a.actor_type, a.actor,
  CASE WHEN a.actor IS NOT NULL THEN a.active_days END AS active_days,
  a.sessions, a.lines_added, a.lines_removed, a.commits, a.pull_requests, a.accepted, a.rejected, a.tokens_input,
  a.tokens_output, a.tokens_cache_read, a.tokens_cache_creation, a.api_cost_usd, a.subscription_value_usd,
  a.other_cost_usd,
  m.final_days = DATE_DIFF(CAST(DATE_ADD(m.month, INTERVAL 1 MONTH) AS DATE), m.month, DAY) AS is_complete
FROM (
  SELECT
    organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month, actor_type, actor,
    COUNT(CASE WHEN is_active THEN 1 END) AS active_days,
    CAST(SUM(sessions) AS INT64) AS sessions, CAST(SUM(lines_added) AS INT64) AS lines_added,
    CAST(SUM(lines_removed) AS INT64) AS lines_removed, CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests, CAST(SUM(accepted) AS INT64) AS accepted,
    CAST(SUM(rejected) AS INT64) AS rejected, CAST(SUM(tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(tokens_output) AS INT64) AS tokens_output, CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation, SUM(api_cost_usd) AS api_cost_usd,
    SUM(subscription_value_usd) AS subscription_value_usd, SUM(other_cost_usd) AS other_cost_usd
  FROM claude_code_actor_days
  GROUP BY organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE), actor_type, actor
) AS a
JOIN (
  SELECT
    organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month,
    COUNT(CASE WHEN is_final THEN 1 END) AS final_days
  FROM claude_code_day_ledger
  GROUP BY organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE)
) AS m ON m.organization_id = a.organization_id AND m.month = a.month
