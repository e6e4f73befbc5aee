WITH last_days AS (
  SELECT
    organization_id, MAX(date) AS last_day, CAST(DATE_SUB(MAX(date), INTERVAL 28 DAY) AS DATE) AS before
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
), totals AS (
  SELECT
    p.organization_id, p.actor_type, p.actor,
    MIN(CASE WHEN p.is_active THEN p.date END) AS first_day,
    MAX(CASE WHEN p.is_active THEN p.date END) AS last_day,
    CAST(SUM(CASE WHEN p.is_active AND p.date > w.before AND p.date <= w.last_day THEN 1 ELSE 0 END) AS INT64)
      AS active_days_28d,
    SUM(CASE WHEN p.date >= f.first_day AND p.date <= f.last_day THEN p.sessions END) AS recent_sessions,
    CAST(SUM(p.sessions) AS INT64) AS sessions,
    CAST(SUM(p.lines_added) AS INT64) AS lines_added,
    CAST(SUM(p.lines_removed) AS INT64) AS lines_removed,
    CAST(SUM(p.commits) AS INT64) AS commits,
    CAST(SUM(p.pull_requests) AS INT64) AS pull_requests,
    CAST(SUM(p.accepted) AS INT64) AS accepted,
    CAST(SUM(p.rejected) AS INT64) AS rejected,
    CAST(SUM(p.tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(p.tokens_output) AS INT64) AS tokens_output,
    CAST(SUM(p.tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(p.tokens_cache_creation) AS INT64) AS tokens_cache_creation,
    SUM(p.cost_usd) AS cost_usd,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.sessions END) AS INT64) AS sessions_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.lines_added END) AS INT64) AS lines_added_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.lines_removed END) AS INT64) AS lines_removed_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.commits END) AS INT64) AS commits_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.pull_requests END) AS INT64) AS pull_requests_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.accepted END) AS INT64) AS accepted_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.rejected END) AS INT64) AS rejected_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.tokens_input END) AS INT64) AS tokens_input_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.tokens_output END) AS INT64) AS tokens_output_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.tokens_cache_read END) AS INT64) AS tokens_cache_read_28d,
    CAST(SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.tokens_cache_creation END) AS INT64) AS tokens_cache_creation_28d,
    SUM(CASE WHEN p.date > w.before AND p.date <= w.last_day THEN p.cost_usd END) AS cost_usd_28d
  FROM claude_code_person_days AS p
  LEFT JOIN last_days AS w ON w.organization_id = p.organization_id
  LEFT JOIN four_weeks AS f ON f.organization_id = p.organization_id
  GROUP BY p.organization_id, p.actor_type, p.actor
), ranked AS (
  SELECT
    organization_id, actor,
    CUME_DIST() OVER (PARTITION BY organization_id ORDER BY recent_sessions) AS place,
    COUNT(*) OVER (PARTITION BY organization_id) AS people
  FROM totals
  WHERE actor_type = 'user_actor' AND actor IS NOT NULL AND recent_sessions > 0
)
SELECT
  t.organization_id, t.actor_type, t.actor, t.first_day, t.last_day, t.active_days_28d,
  t.sessions, t.lines_added, t.lines_removed, t.commits, t.pull_requests, t.accepted, t.rejected, t.tokens_input, t.tokens_output, t.tokens_cache_read, t.tokens_cache_creation, t.cost_usd,
  t.sessions_28d, t.lines_added_28d, t.lines_removed_28d, t.commits_28d, t.pull_requests_28d, t.accepted_28d, t.rejected_28d, t.tokens_input_28d, t.tokens_output_28d, t.tokens_cache_read_28d, t.tokens_cache_creation_28d, t.cost_usd_28d,
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
