WITH active AS (
  SELECT DISTINCT organization_id, date, actor_type, actor
  FROM claude_code_person_days
  WHERE is_active AND actor IS NOT NULL AND (actor_type = 'user_actor' OR actor_type = 'api_actor')
), gaps AS (
  SELECT
    organization_id, date,
    CASE WHEN actor_type = 'user_actor' THEN 1 ELSE 0 END AS people,
    CASE WHEN actor_type = 'api_actor' THEN 1 ELSE 0 END AS api_keys,
    LEAD(date) OVER (PARTITION BY organization_id, actor_type, actor ORDER BY date) AS next_date
  FROM active
), dropped AS (
  SELECT DISTINCT
    organization_id, date,
    CASE WHEN actor_type = 'user_actor' THEN 1 ELSE 0 END AS people,
    CASE WHEN actor_type = 'api_actor' THEN 1 ELSE 0 END AS api_keys
  FROM claude_code_person_days
  WHERE is_active AND actor IS NULL AND (actor_type = 'user_actor' OR actor_type = 'api_actor')
), spans AS (
  SELECT 1 AS days UNION ALL SELECT 7 AS days UNION ALL SELECT 28 AS days
), changes AS (
  SELECT g.organization_id, g.date, s.days, g.people, g.api_keys, 0 AS dropped_people, 0 AS dropped_keys, 0 AS final_days
  FROM gaps AS g CROSS JOIN spans AS s
  UNION ALL
  SELECT
    g.organization_id,
    CASE
      WHEN g.next_date < CAST(DATE_ADD(g.date, INTERVAL s.days DAY) AS DATE) THEN g.next_date
      ELSE CAST(DATE_ADD(g.date, INTERVAL s.days DAY) AS DATE)
    END AS date,
    s.days, -g.people, -g.api_keys, 0, 0, 0
  FROM gaps AS g CROSS JOIN spans AS s
  UNION ALL
  SELECT d.organization_id, d.date, s.days, 0, 0, d.people, d.api_keys, 0
  FROM dropped AS d CROSS JOIN spans AS s
  UNION ALL
  SELECT
    d.organization_id, CAST(DATE_ADD(d.date, INTERVAL s.days DAY) AS DATE) AS date,
    s.days, 0, 0, -d.people, -d.api_keys, 0
  FROM dropped AS d CROSS JOIN spans AS s
  UNION ALL
  SELECT l.organization_id, l.date, 28, 0, 0, 0, 0, CASE WHEN l.is_final THEN 1 ELSE 0 END
  FROM claude_code_day_ledger AS l
  UNION ALL
  SELECT
    l.organization_id, CAST(DATE_ADD(l.date, INTERVAL 28 DAY) AS DATE) AS date,
    28, 0, 0, 0, 0, CASE WHEN l.is_final THEN -1 ELSE 0 END
  FROM claude_code_day_ledger AS l
  UNION ALL
  SELECT l.organization_id, l.date, s.days, 0, 0, 0, 0, 0
  FROM claude_code_day_ledger AS l CROSS JOIN spans AS s
), per_day AS (
  SELECT
    organization_id, date, days, SUM(people) AS people, SUM(api_keys) AS api_keys,
    SUM(dropped_people) AS dropped_people, SUM(dropped_keys) AS dropped_keys, SUM(final_days) AS final_days
  FROM changes
  GROUP BY organization_id, date, days
), running AS (
  SELECT
    organization_id, date, days,
    SUM(people) OVER (PARTITION BY organization_id, days ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
      AS people,
    SUM(api_keys) OVER (PARTITION BY organization_id, days ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
      AS api_keys,
    SUM(dropped_people) OVER (
      PARTITION BY organization_id, days ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS dropped_people,
    SUM(dropped_keys) OVER (
      PARTITION BY organization_id, days ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS dropped_keys,
    SUM(final_days) OVER (
      PARTITION BY organization_id, days ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS final_days
  FROM per_day
)
SELECT
  l.organization_id, l.date,
  CAST(SUM(CASE WHEN r.days = 1 AND r.dropped_people = 0 THEN r.people END) AS INT64) AS active_people_1d,
  CAST(SUM(CASE WHEN r.days = 7 AND r.dropped_people = 0 THEN r.people END) AS INT64) AS active_people_7d,
  CAST(SUM(CASE WHEN r.days = 28 AND r.dropped_people = 0 THEN r.people END) AS INT64) AS active_people_28d,
  CAST(SUM(CASE WHEN r.days = 1 AND r.dropped_keys = 0 THEN r.api_keys END) AS INT64) AS active_keys_1d,
  CAST(SUM(CASE WHEN r.days = 7 AND r.dropped_keys = 0 THEN r.api_keys END) AS INT64) AS active_keys_7d,
  CAST(SUM(CASE WHEN r.days = 28 AND r.dropped_keys = 0 THEN r.api_keys END) AS INT64) AS active_keys_28d,
  MAX(CASE WHEN r.days = 28 AND r.final_days = 28 THEN 1 ELSE 0 END) = 1 AS window_complete,
  l.is_final
FROM claude_code_day_ledger AS l
JOIN running AS r ON r.organization_id = l.organization_id AND r.date = l.date
GROUP BY l.organization_id, l.date, l.is_final
