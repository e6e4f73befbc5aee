WITH weeks AS (
  SELECT
    organization_id, week, is_complete, ROW_NUMBER() OVER (PARTITION BY organization_id ORDER BY week) AS number,
    is_complete AND COALESCE(LAG(is_complete) OVER (PARTITION BY organization_id ORDER BY week), FALSE)
      AND COALESCE(
        LAG(week) OVER (PARTITION BY organization_id ORDER BY week) = CAST(DATE_SUB(week, INTERVAL 7 DAY) AS DATE),
        FALSE
      ) AS is_comparable
  FROM (
    SELECT
      organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week,
      COUNT(CASE WHEN is_final THEN 1 END) = 7 AS is_complete
    FROM claude_code_day_ledger
    GROUP BY organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE)
  ) AS w
), sums AS (
  SELECT
    organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week, actor_type,
    CAST(SUM(sessions) AS INT64) AS sessions, CAST(SUM(lines_added) AS INT64) AS lines_added,
    CAST(SUM(lines_removed) AS INT64) AS lines_removed, CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests, CAST(SUM(accepted) AS INT64) AS accepted,
    CAST(SUM(rejected) AS INT64) AS rejected, CAST(SUM(tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(tokens_output) AS INT64) AS tokens_output, CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation, SUM(api_cost_usd) AS api_cost_usd,
    SUM(subscription_value_usd) AS subscription_value_usd, SUM(other_cost_usd) AS other_cost_usd
  FROM claude_code_organization_days
  GROUP BY organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE), actor_type
), steps AS (
  SELECT
    organization_id, actor_type, actor, week,
    MIN(week) OVER (PARTITION BY organization_id, actor_type, actor) AS first_week,
    LAG(week) OVER (PARTITION BY organization_id, actor_type, actor ORDER BY week) AS week_before,
    LEAD(week) OVER (PARTITION BY organization_id, actor_type, actor ORDER BY week) AS week_after
  FROM (
    SELECT DISTINCT organization_id, actor_type, actor, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week
    FROM claude_code_records
    WHERE is_active AND (actor_type = 'user_actor' OR actor_type = 'api_actor')
  ) AS a
), active AS (
  SELECT
    organization_id, actor_type, week, COUNT(*) - COUNT(actor) AS dropped, COUNT(actor) AS active_actors,
    COUNT(CASE WHEN week = first_week THEN actor END) AS new_actors,
    COUNT(CASE WHEN week_before = CAST(DATE_SUB(week, INTERVAL 7 DAY) AS DATE) THEN actor END) AS retained_actors,
    COUNT(CASE WHEN week_before < CAST(DATE_SUB(week, INTERVAL 7 DAY) AS DATE) THEN actor END) AS returning_actors
  FROM steps
  GROUP BY organization_id, actor_type, week
), lapsed AS (
  SELECT
    organization_id, actor_type, CAST(DATE_ADD(week, INTERVAL 7 DAY) AS DATE) AS week, COUNT(actor) AS lapsed_actors
  FROM steps
  WHERE week_after IS NULL OR week_after > CAST(DATE_ADD(week, INTERVAL 7 DAY) AS DATE)
  GROUP BY organization_id, actor_type, CAST(DATE_ADD(week, INTERVAL 7 DAY) AS DATE)
), counts AS (
  SELECT
    s.organization_id, s.week, s.actor_type, w.is_complete, w.number, w.is_comparable,
    COALESCE(a.active_actors, 0) AS active_actors, COALESCE(a.new_actors, 0) AS new_actors,
    COALESCE(a.retained_actors, 0) AS retained_actors, COALESCE(a.returning_actors, 0) AS returning_actors,
    COALESCE(l.lapsed_actors, 0) AS lapsed_actors, COALESCE(a.dropped, 0) AS dropped,
    COALESCE(LAG(a.dropped) OVER (PARTITION BY s.organization_id, s.actor_type ORDER BY s.week), 0) AS dropped_before,
    COALESCE(
      MAX(a.dropped) OVER (
        PARTITION BY s.organization_id, s.actor_type ORDER BY s.week
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ), 0
    ) AS dropped_so_far
  FROM sums AS s
  JOIN weeks AS w ON w.organization_id = s.organization_id AND w.week = s.week
  LEFT JOIN active AS a
    ON a.organization_id = s.organization_id AND a.week = s.week AND a.actor_type = s.actor_type
  LEFT JOIN lapsed AS l
    ON l.organization_id = s.organization_id AND l.week = s.week AND l.actor_type = s.actor_type
  WHERE s.actor_type = 'user_actor' OR s.actor_type = 'api_actor'
)
SELECT
  s.organization_id, s.week, s.actor_type,
  CASE WHEN c.dropped = 0 THEN c.active_actors END AS active_actors,
  CASE WHEN c.dropped_so_far = 0 AND c.number > 4 THEN c.new_actors END AS new_actors,
  CASE WHEN c.dropped = 0 AND c.dropped_before = 0 AND c.is_comparable THEN c.retained_actors END AS retained_actors,
  CASE WHEN c.dropped_so_far = 0 AND c.is_comparable THEN c.returning_actors END AS returning_actors,
  CASE WHEN c.dropped = 0 AND c.dropped_before = 0 AND c.is_comparable THEN c.lapsed_actors END AS lapsed_actors,
  s.sessions, s.lines_added, s.lines_removed, s.commits, s.pull_requests, s.accepted, s.rejected, s.tokens_input,
  s.tokens_output, s.tokens_cache_read, s.tokens_cache_creation, s.api_cost_usd, s.subscription_value_usd,
  s.other_cost_usd,
  w.is_complete
FROM sums AS s
JOIN weeks AS w ON w.organization_id = s.organization_id AND w.week = s.week
LEFT JOIN counts AS c ON c.organization_id = s.organization_id AND c.week = s.week AND c.actor_type = s.actor_type
