WITH months AS (
  SELECT
    organization_id, month,
    final_days = DATE_DIFF(CAST(DATE_ADD(month, INTERVAL 1 MONTH) AS DATE), month, DAY) AS is_complete
  FROM (
    SELECT
      organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month,
      COUNT(CASE WHEN is_final THEN 1 END) AS final_days
    FROM claude_code_day_ledger
    GROUP BY organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE)
  ) AS l
), active AS (
  SELECT
    organization_id, actor_type, CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month, COUNT(DISTINCT actor) AS active_actors,
    COUNT(*) - COUNT(actor) AS dropped
  FROM claude_code_records
  WHERE is_active
  GROUP BY organization_id, actor_type, CAST(DATE_TRUNC(date, MONTH) AS DATE)
), sums AS (
  SELECT
    organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month, actor_type,
    CAST(SUM(sessions) AS INT64) AS sessions, CAST(SUM(lines_added) AS INT64) AS lines_added,
    CAST(SUM(lines_removed) AS INT64) AS lines_removed, CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests, CAST(SUM(accepted) AS INT64) AS accepted,
    CAST(SUM(rejected) AS INT64) AS rejected, CAST(SUM(tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(tokens_output) AS INT64) AS tokens_output, CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation, SUM(api_cost_usd) AS api_cost_usd,
    SUM(subscription_value_usd) AS subscription_value_usd, SUM(other_cost_usd) AS other_cost_usd
  FROM claude_code_organization_days
  GROUP BY organization_id, CAST(DATE_TRUNC(date, MONTH) AS DATE), actor_type
)
SELECT
  s.organization_id, s.month, s.actor_type,
  CASE
    WHEN (s.actor_type = 'user_actor' OR s.actor_type = 'api_actor') AND COALESCE(a.dropped, 0) = 0
      THEN COALESCE(a.active_actors, 0)
  END AS active_actors,
  s.sessions, s.lines_added, s.lines_removed, s.commits, s.pull_requests, s.accepted, s.rejected, s.tokens_input,
  s.tokens_output, s.tokens_cache_read, s.tokens_cache_creation, s.api_cost_usd, s.subscription_value_usd,
  s.other_cost_usd,
  m.is_complete
FROM sums AS s
JOIN months AS m ON m.organization_id = s.organization_id AND m.month = s.month
LEFT JOIN active AS a ON a.organization_id = s.organization_id AND a.month = s.month AND a.actor_type = s.actor_type
