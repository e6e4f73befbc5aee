-- A filter on `place` would be simpler, but Postgres takes it for one row, and plans nested loops in all other views.
SELECT
  organization_id, date,
  MAX(CASE WHEN place = 1 THEN records END) AS records,
  MAX(CASE WHEN place = 1 AND is_final THEN 1 ELSE 0 END) = 1 AS is_final,
  MIN(fetched_at) AS first_fetched_at, MAX(fetched_at) AS last_fetched_at,
  CAST(COUNT(DISTINCT fetched_at) AS INT64) AS fetches,
  COALESCE(
    MIN(CASE WHEN is_final THEN content_hash END) <> MAX(CASE WHEN is_final THEN content_hash END), FALSE
  ) AS changed_after_final
FROM (
  SELECT
    organization_id, date, records, is_final, fetched_at, content_hash,
    ROW_NUMBER() OVER (PARTITION BY organization_id, date ORDER BY fetched_at DESC, _dlt_load_id DESC) AS place
  FROM claude_code_days
) AS n
GROUP BY organization_id, date
HAVING MAX(CASE WHEN place = 1 THEN records END) IS NOT NULL
