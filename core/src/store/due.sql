-- due: limit, lease ms -> keys. Each is handed out again after the lease, if nothing comes of it.
WITH due AS MATERIALIZED (
  SELECT key FROM xiezhen_jobs WHERE NOT is_over AND hand_out <= statement_timestamp()
  ORDER BY hand_out LIMIT $1::integer FOR UPDATE SKIP LOCKED
)
UPDATE xiezhen_jobs AS jobs SET hand_out = clock_timestamp() + $2::bigint * interval '1 millisecond'
FROM due WHERE jobs.key = due.key RETURNING jobs.key
