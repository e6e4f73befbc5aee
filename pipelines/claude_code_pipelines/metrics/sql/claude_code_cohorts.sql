WITH active AS (
  SELECT DISTINCT organization_id, actor, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week
  FROM claude_code_records
  WHERE actor_type = 'user_actor' AND is_active
), weeks AS (
  SELECT
    w.organization_id, w.week, w.is_complete, d.week IS NOT NULL AS is_dropped,
    ROW_NUMBER() OVER (PARTITION BY w.organization_id ORDER BY w.week) AS number,
    MIN(w.week) OVER (PARTITION BY w.organization_id) AS first_loaded_week,
    MIN(d.week) OVER (PARTITION BY w.organization_id) AS first_dropped_week
  FROM (
    SELECT
      organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE) AS week,
      COUNT(CASE WHEN is_final THEN 1 END) = 7 AS is_complete
    FROM claude_code_day_ledger
    GROUP BY organization_id, CAST(DATE_TRUNC(date, WEEK(MONDAY)) AS DATE)
  ) AS w
  LEFT JOIN active AS d ON d.organization_id = w.organization_id AND d.week = w.week AND d.actor IS NULL
), people AS (
  SELECT
    a.organization_id, a.actor, a.first_week,
    CASE WHEN w.number <= 4 THEN w.first_loaded_week ELSE a.first_week END AS cohort_week,
    CASE WHEN w.first_dropped_week <= a.first_week THEN 1 ELSE 0 END AS is_uncertain
  FROM (
    SELECT organization_id, actor, MIN(week) AS first_week
    FROM active
    WHERE actor IS NOT NULL
    GROUP BY organization_id, actor
  ) AS a
  JOIN weeks AS w ON w.organization_id = a.organization_id AND w.week = a.first_week
), cells AS (
  SELECT
    p.organization_id, p.cohort_week, CAST(DATE_DIFF(w.week, p.first_week, DAY) / 7 AS INT64) AS weeks_since,
    COUNT(*) AS cohort_people, COUNT(a.actor) AS active_people,
    MAX(p.is_uncertain) AS is_uncertain, MAX(CASE WHEN w.is_dropped THEN 1 ELSE 0 END) AS is_dropped,
    MIN(CASE WHEN w.is_complete THEN 1 ELSE 0 END) = 1 AS is_complete
  FROM people AS p
  JOIN weeks AS w ON w.organization_id = p.organization_id AND w.week >= p.first_week
  LEFT JOIN active AS a ON a.organization_id = p.organization_id AND a.actor = p.actor AND a.week = w.week
  GROUP BY p.organization_id, p.cohort_week, CAST(DATE_DIFF(w.week, p.first_week, DAY) / 7 AS INT64)
)
SELECT
  organization_id, cohort_week, weeks_since,
  CASE WHEN is_uncertain = 0 THEN cohort_people END AS cohort_people,
  CASE WHEN is_uncertain = 0 AND is_dropped = 0 THEN active_people END AS active_people,
  CASE WHEN is_uncertain = 0 AND is_dropped = 0 THEN active_people / NULLIF(cohort_people, 0) END AS retention,
  is_complete
FROM cells
