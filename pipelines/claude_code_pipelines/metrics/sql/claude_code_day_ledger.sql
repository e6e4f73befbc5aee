SELECT
  n.organization_id, n.date, n.records, n.is_final, n.first_fetched_at, n.fetched_at AS last_fetched_at,
  f.fetches, COALESCE(n.low_hash <> n.high_hash, FALSE) AS changed_after_final
FROM (
  SELECT
    organization_id, date, records, is_final, fetched_at,
    ROW_NUMBER() OVER (PARTITION BY organization_id, date ORDER BY fetched_at DESC, _dlt_load_id DESC) AS place,
    MIN(fetched_at) OVER (PARTITION BY organization_id, date) AS first_fetched_at,
    MIN(CASE WHEN is_final THEN content_hash END) OVER (PARTITION BY organization_id, date) AS low_hash,
    MAX(CASE WHEN is_final THEN content_hash END) OVER (PARTITION BY organization_id, date) AS high_hash
  FROM claude_code_days
) AS n
JOIN (
  SELECT organization_id, date, CAST(COUNT(DISTINCT fetched_at) AS INT64) AS fetches
  FROM claude_code_days
  GROUP BY organization_id, date
) AS f ON f.organization_id = n.organization_id AND f.date = n.date
WHERE n.place = 1 AND n.records IS NOT NULL
