WITH last_days AS (
  SELECT organization_id, MAX(date) AS last_day
  FROM claude_code_day_ledger
  WHERE is_final
  GROUP BY organization_id
), four_weeks AS (
  SELECT
    organization_id, CAST(MIN(week) AS DATE) AS first_day, CAST(DATE_ADD(MAX(week), INTERVAL 6 DAY) AS DATE) AS last_day
  FROM (
    SELECT
      organization_id, week, ROW_NUMBER() OVER (PARTITION BY organization_id ORDER BY week DESC) AS place
    FROM (
      SELECT organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week
      FROM claude_code_day_ledger
      WHERE is_final
      GROUP BY organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE)
      HAVING COUNT(*) = 7
    ) AS c
  ) AS w
  WHERE place <= 4
  GROUP BY organization_id
  HAVING COUNT(*) = 4
), days AS (
  SELECT
    a.organization_id, a.date, a.actor_type, a.actor, a.is_active,
    a.sessions, a.lines_added, a.lines_removed, a.commits, a.pull_requests, a.accepted, a.rejected, a.tokens_input,
    a.tokens_output, a.tokens_cache_read, a.tokens_cache_creation, a.api_cost_usd, a.subscription_value_usd,
    a.other_cost_usd,
    a.date > CAST(DATE_SUB(w.last_day, INTERVAL 28 DAY) AS DATE) AND a.date <= w.last_day AS is_late,
    a.date >= f.first_day AND a.date <= f.last_day AS is_recent
  FROM claude_code_actor_days AS a
  LEFT JOIN last_days AS w ON w.organization_id = a.organization_id
  LEFT JOIN four_weeks AS f ON f.organization_id = a.organization_id
), totals AS (
  SELECT
    organization_id, actor_type, actor,
    MIN(CASE WHEN is_active THEN date END) AS first_day, MAX(CASE WHEN is_active THEN date END) AS last_day,
    COUNT(CASE WHEN is_active AND is_late THEN 1 END) AS active_days_28d,
    SUM(CASE WHEN is_recent THEN sessions END) AS recent_sessions,
    CAST(SUM(sessions) AS INT64) AS sessions, CAST(SUM(lines_added) AS INT64) AS lines_added,
    CAST(SUM(lines_removed) AS INT64) AS lines_removed, CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests, CAST(SUM(accepted) AS INT64) AS accepted,
    CAST(SUM(rejected) AS INT64) AS rejected, CAST(SUM(tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(tokens_output) AS INT64) AS tokens_output, CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation, SUM(api_cost_usd) AS api_cost_usd,
    SUM(subscription_value_usd) AS subscription_value_usd, SUM(other_cost_usd) AS other_cost_usd,
    CAST(SUM(CASE WHEN is_late THEN sessions END) AS INT64) AS sessions_28d,
    CAST(SUM(CASE WHEN is_late THEN lines_added END) AS INT64) AS lines_added_28d,
    CAST(SUM(CASE WHEN is_late THEN lines_removed END) AS INT64) AS lines_removed_28d,
    CAST(SUM(CASE WHEN is_late THEN commits END) AS INT64) AS commits_28d,
    CAST(SUM(CASE WHEN is_late THEN pull_requests END) AS INT64) AS pull_requests_28d,
    CAST(SUM(CASE WHEN is_late THEN accepted END) AS INT64) AS accepted_28d,
    CAST(SUM(CASE WHEN is_late THEN rejected END) AS INT64) AS rejected_28d,
    CAST(SUM(CASE WHEN is_late THEN tokens_input END) AS INT64) AS tokens_input_28d,
    CAST(SUM(CASE WHEN is_late THEN tokens_output END) AS INT64) AS tokens_output_28d,
    CAST(SUM(CASE WHEN is_late THEN tokens_cache_read END) AS INT64) AS tokens_cache_read_28d,
    CAST(SUM(CASE WHEN is_late THEN tokens_cache_creation END) AS INT64) AS tokens_cache_creation_28d,
    SUM(CASE WHEN is_late THEN api_cost_usd END) AS api_cost_usd_28d,
    SUM(CASE WHEN is_late THEN subscription_value_usd END) AS subscription_value_usd_28d,
    SUM(CASE WHEN is_late THEN other_cost_usd END) AS other_cost_usd_28d
  FROM days
  GROUP BY organization_id, actor_type, actor
), ranked AS (
  SELECT
    organization_id, actor,
    CUME_DIST() OVER (PARTITION BY organization_id ORDER BY recent_sessions) AS place,
    COUNT(*) OVER (PARTITION BY organization_id) AS people
  FROM totals
  WHERE actor_type = 'user_actor' AND actor IS NOT NULL AND recent_sessions > 0
)
SELECT
  t.organization_id, t.actor_type, t.actor, t.first_day, t.last_day,
  CASE WHEN t.actor IS NOT NULL THEN t.active_days_28d END AS active_days_28d,
  t.sessions, t.lines_added, t.lines_removed, t.commits, t.pull_requests, t.accepted, t.rejected, t.tokens_input,
  t.tokens_output, t.tokens_cache_read, t.tokens_cache_creation, t.api_cost_usd, t.subscription_value_usd,
  t.other_cost_usd,
  t.sessions_28d, t.lines_added_28d, t.lines_removed_28d, t.commits_28d, t.pull_requests_28d, t.accepted_28d,
  t.rejected_28d, t.tokens_input_28d, t.tokens_output_28d, t.tokens_cache_read_28d, t.tokens_cache_creation_28d,
  t.api_cost_usd_28d, t.subscription_value_usd_28d, t.other_cost_usd_28d,
  CASE
    WHEN t.actor_type <> 'user_actor' OR t.actor IS NULL OR f.first_day IS NULL OR COALESCE(n.people, 0) < 8 THEN NULL
    WHEN r.place IS NULL THEN 'none'
    WHEN r.place >= 0.75 THEN 'heavy'
    WHEN r.place >= 0.5 THEN 'moderate'
    WHEN r.place >= 0.25 THEN 'light'
    ELSE 'minimal'
  END AS usage_level
FROM totals AS t
LEFT JOIN four_weeks AS f ON f.organization_id = t.organization_id
LEFT JOIN (SELECT organization_id, MAX(people) AS people FROM ranked GROUP BY organization_id) AS n
  ON n.organization_id = t.organization_id
LEFT JOIN ranked AS r
  ON r.organization_id = t.organization_id AND r.actor = t.actor AND t.actor_type = 'user_actor'
