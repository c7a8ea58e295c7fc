-- put: key, nonce, json, open, unknown -> put | present
WITH durable AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')
), fresh AS (
  INSERT INTO xiezhen_jobs AS jobs (key, nonce, job, version, due, hand_out, is_open, is_unknown)
  VALUES ($1, $2, $3, 1, clock_timestamp(), clock_timestamp(), $4::boolean, $5::boolean)
  -- The same call, sent again by a connection that had lost the answer.
  ON CONFLICT (key) DO UPDATE SET nonce = excluded.nonce WHERE jobs.nonce = excluded.nonce AND jobs.version = 1
  RETURNING 1
)
SELECT CASE WHEN EXISTS (SELECT FROM fresh) THEN 'put' ELSE 'present' END, (SELECT count(*) FROM durable)
