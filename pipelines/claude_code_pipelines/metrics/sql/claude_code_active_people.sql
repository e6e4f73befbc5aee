WITH active AS (
  SELECT
    organization_id, date, actor_type, actor,
    LEAD(date) OVER (PARTITION BY organization_id, actor_type, actor ORDER BY date) AS next_date
  FROM claude_code_person_days
  WHERE is_active AND (actor_type = 'user_actor' OR actor_type = 'api_actor')
), gaps AS (
  SELECT
    organization_id, date,
    CASE WHEN next_date <= CAST(DATE_ADD(date, INTERVAL 28 DAY) AS DATE) THEN next_date END AS next_date,
    CAST(SUM(CASE WHEN actor_type = 'user_actor' AND actor IS NOT NULL THEN 1 ELSE 0 END) AS INT64) AS people,
    CAST(SUM(CASE WHEN actor_type = 'api_actor' AND actor IS NOT NULL THEN 1 ELSE 0 END) AS INT64) AS api_keys,
    CAST(SUM(CASE WHEN actor_type = 'user_actor' AND actor IS NULL THEN 1 ELSE 0 END) AS INT64) AS dropped_people,
    CAST(SUM(CASE WHEN actor_type = 'api_actor' AND actor IS NULL THEN 1 ELSE 0 END) AS INT64) AS dropped_keys
  FROM active
  GROUP BY
    organization_id, date, CASE WHEN next_date <= CAST(DATE_ADD(date, INTERVAL 28 DAY) AS DATE) THEN next_date END
), spans AS (
  SELECT 1 AS days UNION ALL SELECT 7 AS days UNION ALL SELECT 28 AS days
), edges AS (
  SELECT 1 AS sign UNION ALL SELECT -1 AS sign
), changes AS (
  SELECT
    g.organization_id,
    CASE
      WHEN e.sign = 1 THEN g.date
      WHEN g.next_date < CAST(DATE_ADD(g.date, INTERVAL s.days DAY) AS DATE) THEN g.next_date
      ELSE CAST(DATE_ADD(g.date, INTERVAL s.days DAY) AS DATE)
    END AS date,
    s.days, e.sign * g.people AS people, e.sign * g.api_keys AS api_keys,
    e.sign * g.dropped_people AS dropped_people, e.sign * g.dropped_keys AS dropped_keys, 0 AS final_days
  FROM gaps AS g CROSS JOIN spans AS s CROSS JOIN edges AS e
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
