SELECT
  r.organization_id, r.date, r.actor_type, t.tool_name,
  CAST(SUM(t.accepted) AS INT64) AS accepted, CAST(SUM(t.rejected) AS INT64) AS rejected,
  SUM(CASE WHEN t.rejected IS NOT NULL THEN t.accepted END)
    / NULLIF(SUM(CASE WHEN t.accepted IS NOT NULL AND t.rejected IS NOT NULL THEN t.accepted + t.rejected END), 0)
    AS acceptance_rate
FROM claude_code_usage__tool_actions AS t
JOIN claude_code_records AS r
  ON r._dlt_id = t._dlt_parent_id AND r.date = t.date
GROUP BY r.organization_id, r.date, r.actor_type, t.tool_name
