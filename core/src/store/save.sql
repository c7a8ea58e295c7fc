-- save: key, nonce, lease ms, version, json, open, unknown, late -> saved, 0, version | conflict, 0, version, json | absent
WITH durable AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')
), row AS MATERIALIZED (
  SELECT * FROM xiezhen_jobs WHERE key = $1 FOR UPDATE
), clock AS MATERIALIZED (
  SELECT clock_timestamp() AS now FROM row
), verdict AS MATERIALIZED (
  SELECT CASE
    WHEN row.version = $4::bigint THEN 'saved'
    -- The same call, sent again by a connection that had lost the answer.
    WHEN row.version = $4::bigint + 1 AND row.nonce = $2 THEN 'again'
    ELSE 'conflict' END AS state,
    -- An answer that came late is in: whoever comes next goes on with it, at once. A holder whose own create is under
    -- way is left in peace: its lease runs on.
    row.lease IS NULL OR ($8::boolean AND NOT $6::boolean) AS freed,
    row.lease IS NOT NULL AND NOT $8::boolean AS kept
  FROM row
), written AS (
  UPDATE xiezhen_jobs AS jobs SET
    job = $5, version = jobs.version + 1, nonce = $2, is_open = $6::boolean, is_unknown = $7::boolean,
    lease = CASE WHEN freed THEN NULL WHEN kept THEN now + $3::bigint * interval '1 millisecond' ELSE jobs.lease END,
    hand_out =
      CASE WHEN freed THEN now WHEN kept THEN now + $3::bigint * interval '1 millisecond' ELSE jobs.hand_out END,
    due = CASE WHEN freed THEN now ELSE jobs.due END,
    planned = CASE WHEN freed THEN NULL ELSE jobs.planned END,
    is_over = jobs.is_over AND NOT freed
  FROM clock, verdict WHERE jobs.key = $1 AND verdict.state = 'saved'
  RETURNING jobs.version
)
SELECT
  CASE verdict.state WHEN 'again' THEN 'saved' ELSE verdict.state END, 0,
  coalesce(written.version, row.version), CASE verdict.state WHEN 'conflict' THEN row.job END, NULL,
  (SELECT count(*) FROM durable)
FROM verdict, row LEFT JOIN written ON true
