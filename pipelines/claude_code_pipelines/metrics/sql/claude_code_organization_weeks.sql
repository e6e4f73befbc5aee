WITH person_days AS (
  SELECT organization_id, date, actor_type, actor, sessions, lines_added, lines_removed, commits, pull_requests, accepted, rejected, tokens_input, tokens_output, tokens_cache_read, tokens_cache_creation, cost_usd, is_active
  FROM claude_code_person_days
), days AS (
  SELECT
    l.organization_id, l.date, l.is_final,
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
    CASE WHEN l.records = 0 THEN 0 ELSE s.cost_usd END AS cost_usd
  FROM claude_code_day_ledger AS l
  LEFT JOIN (
    SELECT
      organization_id, date,
      SUM(sessions) AS sessions,
      SUM(lines_added) AS lines_added,
      SUM(lines_removed) AS lines_removed,
      SUM(commits) AS commits,
      SUM(pull_requests) AS pull_requests,
      SUM(accepted) AS accepted,
      SUM(rejected) AS rejected,
      SUM(tokens_input) AS tokens_input,
      SUM(tokens_output) AS tokens_output,
      SUM(tokens_cache_read) AS tokens_cache_read,
      SUM(tokens_cache_creation) AS tokens_cache_creation,
      SUM(cost_usd) AS cost_usd
    FROM person_days
    GROUP BY organization_id, date
  ) AS s ON s.organization_id = l.organization_id AND s.date = l.date
), weeks AS (
  SELECT
    organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week,
    COUNT(CASE WHEN is_final THEN 1 END) = 7 AS is_complete,
    CAST(SUM(sessions) AS INT64) AS sessions,
    CAST(SUM(lines_added) AS INT64) AS lines_added,
    CAST(SUM(lines_removed) AS INT64) AS lines_removed,
    CAST(SUM(commits) AS INT64) AS commits,
    CAST(SUM(pull_requests) AS INT64) AS pull_requests,
    CAST(SUM(accepted) AS INT64) AS accepted,
    CAST(SUM(rejected) AS INT64) AS rejected,
    CAST(SUM(tokens_input) AS INT64) AS tokens_input,
    CAST(SUM(tokens_output) AS INT64) AS tokens_output,
    CAST(SUM(tokens_cache_read) AS INT64) AS tokens_cache_read,
    CAST(SUM(tokens_cache_creation) AS INT64) AS tokens_cache_creation,
    SUM(cost_usd) AS cost_usd
  FROM days
  GROUP BY organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE)
), numbered AS (
  SELECT
    organization_id, week, is_complete, sessions, lines_added, lines_removed, commits, pull_requests, accepted, rejected, tokens_input, tokens_output, tokens_cache_read, tokens_cache_creation, cost_usd,
    ROW_NUMBER() OVER (PARTITION BY organization_id ORDER BY week) AS number,
    LAG(week) OVER (PARTITION BY organization_id ORDER BY week) AS week_before,
    LAG(is_complete) OVER (PARTITION BY organization_id ORDER BY week) AS is_complete_before
  FROM weeks
), active AS (
  SELECT DISTINCT organization_id, actor, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week
  FROM person_days
  WHERE actor_type = 'user_actor' AND is_active
), steps AS (
  SELECT
    organization_id, week,
    MIN(week) OVER (PARTITION BY organization_id, actor) AS first_week,
    LAG(week) OVER (PARTITION BY organization_id, actor ORDER BY week) AS week_before,
    LEAD(week) OVER (PARTITION BY organization_id, actor ORDER BY week) AS week_after
  FROM active
  WHERE actor IS NOT NULL
), people AS (
  SELECT
    organization_id, week, COUNT(*) AS active_people,
    CAST(SUM(CASE WHEN week = first_week THEN 1 ELSE 0 END) AS INT64) AS new_people,
    CAST(SUM(CASE WHEN week_before = CAST(DATE_SUB(week, INTERVAL 7 DAY) AS DATE) THEN 1 ELSE 0 END) AS INT64) AS retained_people,
    CAST(SUM(CASE WHEN week_before < CAST(DATE_SUB(week, INTERVAL 7 DAY) AS DATE) THEN 1 ELSE 0 END) AS INT64) AS returning_people
  FROM steps
  GROUP BY organization_id, week
), lapsed AS (
  SELECT organization_id, CAST(DATE_ADD(week, INTERVAL 7 DAY) AS DATE) AS week, COUNT(*) AS lapsed_people
  FROM steps
  WHERE week_after IS NULL OR week_after > CAST(DATE_ADD(week, INTERVAL 7 DAY) AS DATE)
  GROUP BY organization_id, CAST(DATE_ADD(week, INTERVAL 7 DAY) AS DATE)
), dropped AS (
  SELECT organization_id, MIN(week) AS first_week, MAX(week) AS last_week
  FROM active
  WHERE actor IS NULL
  GROUP BY organization_id
)
SELECT
  n.organization_id, n.week,
  CASE WHEN n.is_dropped THEN NULL ELSE COALESCE(p.active_people, 0) END AS active_people,
  CASE WHEN n.is_dropped OR n.number <= 4 THEN NULL ELSE COALESCE(p.new_people, 0) END AS new_people,
  CASE WHEN n.is_dropped OR NOT n.is_comparable THEN NULL ELSE COALESCE(p.retained_people, 0) END AS retained_people,
  CASE WHEN n.is_dropped OR NOT n.is_comparable THEN NULL ELSE COALESCE(p.returning_people, 0) END AS returning_people,
  CASE WHEN n.is_dropped OR NOT n.is_comparable THEN NULL ELSE COALESCE(l.lapsed_people, 0) END AS lapsed_people,
  n.sessions, n.lines_added, n.lines_removed, n.commits, n.pull_requests, n.accepted, n.rejected, n.tokens_input, n.tokens_output, n.tokens_cache_read, n.tokens_cache_creation, n.cost_usd,
  n.is_complete
FROM (
  SELECT
    w.organization_id, w.week, w.is_complete, w.number, w.sessions, w.lines_added, w.lines_removed, w.commits, w.pull_requests, w.accepted, w.rejected, w.tokens_input, w.tokens_output, w.tokens_cache_read, w.tokens_cache_creation, w.cost_usd,
    COALESCE(w.week >= d.first_week AND w.week <= d.last_week, FALSE) AS is_dropped,
    w.is_complete AND COALESCE(w.is_complete_before, FALSE)
      AND COALESCE(w.week_before = CAST(DATE_SUB(w.week, INTERVAL 7 DAY) AS DATE), FALSE) AS is_comparable
  FROM numbered AS w
  LEFT JOIN dropped AS d ON d.organization_id = w.organization_id
) AS n
LEFT JOIN people AS p ON p.organization_id = n.organization_id AND p.week = n.week
LEFT JOIN lapsed AS l ON l.organization_id = n.organization_id AND l.week = n.week
