-- release: key, version, ms (-1: it is over) -> released | open | conflict | absent
WITH row AS MATERIALIZED (
  SELECT * FROM xiezhen_jobs WHERE key = $1 FOR UPDATE
), clock AS MATERIALIZED (
  SELECT clock_timestamp() AS now FROM row
), verdict AS MATERIALIZED (
  SELECT CASE WHEN row.version <> $2::bigint THEN 'conflict' WHEN row.is_open THEN 'open' ELSE 'released' END AS state
  FROM row
), freed AS (
  -- What the holder was told of is done with; what came meanwhile makes the job due at once.
  UPDATE xiezhen_jobs AS jobs SET
    lease = NULL, seen = 0, is_over = $3::bigint < 0, has_ended = jobs.has_ended OR $3::bigint < 0,
    hints = CASE WHEN $3::bigint < 0 THEN '{}' ELSE jobs.hints[jobs.seen + 1:] END,
    planned = now + greatest($3::bigint, 0) * interval '1 millisecond',
    due = now + CASE WHEN cardinality(jobs.hints) > jobs.seen THEN 0 ELSE greatest($3::bigint, 0) END
      * interval '1 millisecond',
    hand_out = now + CASE WHEN cardinality(jobs.hints) > jobs.seen THEN 0 ELSE greatest($3::bigint, 0) END
      * interval '1 millisecond'
  FROM clock, verdict WHERE jobs.key = $1 AND verdict.state = 'released'
)
SELECT state FROM verdict
