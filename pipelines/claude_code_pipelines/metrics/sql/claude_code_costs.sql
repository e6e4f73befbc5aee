SELECT
  r.organization_id, r.date, r.actor_type, r.actor, r.customer_type, m.model,
  CASE
    WHEN m.estimated_cost__currency = 'USD' AND r.customer_type = 'api'
      THEN m.estimated_cost__amount * CAST('0.01' AS DECIMAL(3, 2))
  END AS api_cost_usd,
  CASE
    WHEN m.estimated_cost__currency = 'USD' AND r.customer_type = 'subscription'
      THEN m.estimated_cost__amount * CAST('0.01' AS DECIMAL(3, 2))
  END AS subscription_value_usd,
  CASE
    WHEN m.estimated_cost__currency = 'USD' AND COALESCE(r.customer_type, '') NOT IN ('api', 'subscription')
      THEN m.estimated_cost__amount * CAST('0.01' AS DECIMAL(3, 2))
  END AS other_cost_usd
FROM claude_code_usage__model_breakdown AS m
JOIN claude_code_records AS r
  ON r._dlt_id = m._dlt_parent_id AND r.date = m.date
