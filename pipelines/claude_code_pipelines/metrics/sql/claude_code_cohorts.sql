WITH weeks AS (
  SELECT
    organization_id, week, is_complete,
    ROW_NUMBER() OVER (PARTITION BY organization_id ORDER BY week) AS number,
    MIN(week) OVER (PARTITION BY organization_id) AS first_loaded_week
  FROM (
    SELECT
      organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week,
      COUNT(CASE WHEN is_final THEN 1 END) = 7 AS is_complete
    FROM claude_code_day_ledger
    GROUP BY organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE)
  ) AS w
), active AS (
  SELECT DISTINCT organization_id, actor, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week
  FROM claude_code_person_days
  WHERE actor_type = 'user_actor' AND actor IS NOT NULL AND is_active
), people AS (
  SELECT a.organization_id, a.actor, a.first_week,
    CASE WHEN w.number <= 4 THEN w.first_loaded_week ELSE a.first_week END AS cohort_week
  FROM (SELECT organization_id, actor, MIN(week) AS first_week FROM active GROUP BY organization_id, actor) AS a
  JOIN weeks AS w ON w.organization_id = a.organization_id AND w.week = a.first_week
)
SELECT
  p.organization_id, p.cohort_week, CAST(DATE_DIFF(w.week, p.first_week, DAY) / 7 AS INT64) AS weeks_since,
  CAST(COUNT(*) AS INT64) AS cohort_people, CAST(COUNT(a.actor) AS INT64) AS active_people,
  COUNT(a.actor) / NULLIF(COUNT(*), 0) AS retention,
  MIN(CASE WHEN w.is_complete THEN 1 ELSE 0 END) = 1 AS is_complete
FROM people AS p
JOIN weeks AS w ON w.organization_id = p.organization_id AND w.week >= p.first_week
LEFT JOIN active AS a ON a.organization_id = p.organization_id AND a.actor = p.actor AND a.week = w.week
GROUP BY p.organization_id, p.cohort_week, CAST(DATE_DIFF(w.week, p.first_week, DAY) / 7 AS INT64)
