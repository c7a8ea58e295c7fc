-- wake: key, hint (a text; empty: none), most hints kept -> woken | over | absent
WITH row AS MATERIALIZED (
  SELECT * FROM xiezhen_jobs WHERE key = $1 FOR UPDATE
), clock AS MATERIALIZED (
  SELECT clock_timestamp() AS now FROM row
), verdict AS MATERIALIZED (
  -- What is over stays over, unless a hint may tell what became of a create whose outcome is unknown.
  SELECT CASE WHEN row.is_over AND (NOT row.is_unknown OR $2 = '') THEN 'over' ELSE 'woken' END AS state,
    greatest(cardinality(row.hints) + 1 - $3::integer, 0) AS dropped
  FROM row
), woken AS (
  UPDATE xiezhen_jobs AS jobs SET
    hints = (jobs.hints || $2::text)[dropped + 1:],
    seen = greatest(jobs.seen - dropped, 0),
    is_over = false,
    due = CASE WHEN jobs.lease IS NULL THEN least(jobs.due, now) ELSE jobs.due END,
    hand_out = CASE WHEN jobs.lease IS NULL THEN now ELSE jobs.hand_out END
  FROM clock, verdict WHERE jobs.key = $1 AND verdict.state = 'woken'
)
SELECT state FROM verdict
