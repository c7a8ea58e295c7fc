-- claim: key, nonce, lease ms, reopen -> claimed, ms, version, json, hints, ended | busy, ms | early, ms | over | absent
WITH durable AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')
), row AS MATERIALIZED (
  SELECT * FROM xiezhen_jobs WHERE key = $1 FOR UPDATE
), clock AS MATERIALIZED (
  -- Read once the row is ours: it may have been waited for.
  SELECT clock_timestamp() AS now FROM row
), verdict AS MATERIALIZED (
  SELECT CASE
    WHEN row.is_over AND NOT $4::boolean THEN 'over'
    WHEN row.lease > clock.now AND row.nonce <> $2 THEN 'busy'
    -- A lease that ran out makes the job due, whatever was planned.
    WHEN row.lease IS NULL AND row.due > clock.now AND NOT $4::boolean THEN 'early'
    ELSE 'claimed' END AS state
  FROM row, clock
), taken AS (
  UPDATE xiezhen_jobs AS jobs SET
    version = jobs.version + CASE WHEN jobs.nonce = $2 THEN 0 ELSE 1 END,
    nonce = $2,
    lease = clock.now + $3::bigint * interval '1 millisecond',
    hand_out = clock.now + $3::bigint * interval '1 millisecond',
    is_over = false,
    seen = cardinality(jobs.hints)
  FROM clock, verdict WHERE jobs.key = $1 AND verdict.state = 'claimed'
  RETURNING jobs.version, jobs.job, jobs.hints
)
SELECT
  verdict.state,
  ceil(extract(epoch FROM CASE verdict.state
    WHEN 'busy' THEN row.lease - clock.now
    WHEN 'early' THEN row.due - clock.now
    -- Woken before the time that was planned: by so much.
    ELSE greatest(row.planned - clock.now, interval '0') END) * 1000)::bigint,
  taken.version, taken.job, array_to_json(taken.hints)::text,
  row.has_ended::integer, (SELECT count(*) FROM durable)
FROM verdict, clock, row LEFT JOIN taken ON true
