SELECT
  m.organization_id, m.date, u.actor__type, u.actor__email_address, u.actor__api_key_name, u.customer_type,
  u.terminal_type, u.is_remote, m.model, m.tokens__input, m.tokens__output, m.tokens__cache_read,
  m.tokens__cache_creation,
  CASE
    WHEN m.estimated_cost__currency = 'USD' THEN m.estimated_cost__amount * CAST('0.01' AS DECIMAL(3, 2))
  END AS estimated_cost_usd
FROM claude_code_usage__model_breakdown AS m
JOIN claude_code_usage AS u
  ON u._dlt_id = m._dlt_parent_id AND u.organization_id = m.organization_id AND u.date = m.date
