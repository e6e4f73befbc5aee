SELECT
  u.organization_id, u.date, u.actor__type AS actor_type, u.customer_type, m.model,
  m.estimated_cost__currency AS currency,
  CAST(SUM(m.tokens__input) AS INT64) AS tokens_input, CAST(SUM(m.tokens__output) AS INT64) AS tokens_output,
  CAST(SUM(m.tokens__cache_read) AS INT64) AS tokens_cache_read,
  CAST(SUM(m.tokens__cache_creation) AS INT64) AS tokens_cache_creation,
  SUM(m.estimated_cost__amount) AS amount,
  CASE
    WHEN m.estimated_cost__currency = 'USD' AND u.customer_type = 'api'
      THEN SUM(m.estimated_cost__amount) * CAST('0.01' AS DECIMAL(3, 2))
  END AS api_cost_usd,
  CASE
    WHEN m.estimated_cost__currency = 'USD' AND u.customer_type = 'subscription'
      THEN SUM(m.estimated_cost__amount) * CAST('0.01' AS DECIMAL(3, 2))
  END AS subscription_value_usd,
  CASE
    WHEN m.estimated_cost__currency = 'USD' AND COALESCE(u.customer_type, '') NOT IN ('api', 'subscription')
      THEN SUM(m.estimated_cost__amount) * CAST('0.01' AS DECIMAL(3, 2))
  END AS other_cost_usd,
  SUM(m.tokens__cache_read) / NULLIF(
    SUM(COALESCE(m.tokens__input, 0) + COALESCE(m.tokens__cache_read, 0) + COALESCE(m.tokens__cache_creation, 0)), 0
  ) AS cache_read_share,
  CASE
    WHEN m.estimated_cost__currency = 'USD' THEN CAST(SUM(m.estimated_cost__amount) AS FLOAT64) * 10000 / NULLIF(
      SUM(
        CASE
          WHEN m.estimated_cost__amount IS NOT NULL THEN COALESCE(m.tokens__input, 0) + COALESCE(m.tokens__output, 0)
            + COALESCE(m.tokens__cache_read, 0) + COALESCE(m.tokens__cache_creation, 0)
        END
      ), 0
    )
  END AS price_per_mtok
FROM claude_code_usage__model_breakdown AS m
JOIN claude_code_usage AS u ON u._dlt_id = m._dlt_parent_id AND u.date = m.date
JOIN claude_code_day_ledger AS l ON l.organization_id = u.organization_id AND l.date = u.date
GROUP BY u.organization_id, u.date, u.actor__type, u.customer_type, m.model, m.estimated_cost__currency
