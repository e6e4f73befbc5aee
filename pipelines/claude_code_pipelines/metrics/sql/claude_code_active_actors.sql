WITH ledger AS (
  SELECT
    organization_id, date, is_final,
    SUM(CASE WHEN is_final THEN 1 ELSE 0 END) OVER (
      PARTITION BY organization_id ORDER BY date ROWS BETWEEN 27 PRECEDING AND CURRENT ROW
    ) = 28
      AND MIN(date) OVER (PARTITION BY organization_id ORDER BY date ROWS BETWEEN 27 PRECEDING AND CURRENT ROW)
        = CAST(DATE_SUB(date, INTERVAL 27 DAY) AS DATE) AS window_complete
  FROM claude_code_day_ledger
), active AS (
  SELECT
    organization_id, date, actor_type, actor,
    LEAD(date) OVER (PARTITION BY organization_id, actor_type, actor ORDER BY date) AS next_date
  FROM (
    SELECT DISTINCT organization_id, date, actor_type, actor
    FROM claude_code_records
    WHERE is_active AND (actor_type = 'user_actor' OR actor_type = 'api_actor')
  ) AS a
), gaps AS (
  SELECT
    organization_id, date, actor_type,
    CASE WHEN next_date <= CAST(DATE_ADD(date, INTERVAL 28 DAY) AS DATE) THEN next_date END AS next_date,
    COUNT(actor) AS actors, COUNT(*) - COUNT(actor) AS dropped
  FROM active
  GROUP BY
    organization_id, date, actor_type,
    CASE WHEN next_date <= CAST(DATE_ADD(date, INTERVAL 28 DAY) AS DATE) THEN next_date END
), spans AS (
  SELECT 1 AS days UNION ALL SELECT 7 AS days UNION ALL SELECT 28 AS days
), edges AS (
  SELECT 1 AS sign UNION ALL SELECT -1 AS sign
), types AS (
  SELECT 'user_actor' AS actor_type UNION ALL SELECT 'api_actor' AS actor_type
), changes AS (
  SELECT
    g.organization_id, g.actor_type, s.days,
    CASE
      WHEN e.sign = 1 THEN g.date
      WHEN g.next_date < CAST(DATE_ADD(g.date, INTERVAL s.days DAY) AS DATE) THEN g.next_date
      ELSE CAST(DATE_ADD(g.date, INTERVAL s.days DAY) AS DATE)
    END AS date,
    e.sign * g.actors AS actors, e.sign * g.dropped AS dropped
  FROM gaps AS g CROSS JOIN spans AS s CROSS JOIN edges AS e
  UNION ALL
  SELECT l.organization_id, t.actor_type, s.days, l.date, 0, 0
  FROM claude_code_day_ledger AS l CROSS JOIN types AS t CROSS JOIN spans AS s
), per_day AS (
  SELECT organization_id, actor_type, days, date, SUM(actors) AS actors, SUM(dropped) AS dropped
  FROM changes
  GROUP BY organization_id, actor_type, days, date
), running AS (
  SELECT
    organization_id, actor_type, days, date,
    SUM(actors) OVER (
      PARTITION BY organization_id, actor_type, days ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS actors,
    SUM(dropped) OVER (
      PARTITION BY organization_id, actor_type, days ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS dropped
  FROM per_day
)
SELECT
  l.organization_id, l.date, r.actor_type,
  CAST(SUM(CASE WHEN r.days = 1 AND r.dropped = 0 THEN r.actors END) AS INT64) AS active_1d,
  CAST(SUM(CASE WHEN r.days = 7 AND r.dropped = 0 THEN r.actors END) AS INT64) AS active_7d,
  CAST(SUM(CASE WHEN r.days = 28 AND r.dropped = 0 THEN r.actors END) AS INT64) AS active_28d,
  l.window_complete, l.is_final
FROM ledger AS l
JOIN running AS r ON r.organization_id = l.organization_id AND r.date = l.date
GROUP BY l.organization_id, l.date, r.actor_type, l.window_complete, l.is_final
