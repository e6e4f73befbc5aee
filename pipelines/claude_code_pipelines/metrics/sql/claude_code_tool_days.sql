SELECT
  u.organization_id, u.date, u.actor__type AS actor_type, t.tool_name,
  CAST(SUM(t.accepted) AS INT64) AS accepted, CAST(SUM(t.rejected) AS INT64) AS rejected,
  SUM(CASE WHEN t.rejected IS NOT NULL THEN t.accepted END)
    / NULLIF(SUM(CASE WHEN t.accepted IS NOT NULL AND t.rejected IS NOT NULL THEN t.accepted + t.rejected END), 0)
    AS acceptance_rate
FROM claude_code_usage__tool_actions AS t
JOIN claude_code_usage AS u ON u._dlt_id = t._dlt_parent_id AND u.date = t.date
JOIN claude_code_day_ledger AS l ON l.organization_id = u.organization_id AND l.date = u.date
GROUP BY u.organization_id, u.date, u.actor__type, t.tool_name
