-- reserve: name, how many, requests per second -> microseconds until the first permit, and between two
-- Nothing is lost with the last of these but the order of a moment: it need not be on disk.
WITH light AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'off', true)
), given AS (
  INSERT INTO xiezhen_jobs_rates AS rates (name, given_until)
  VALUES ($1, clock_timestamp() + $2::integer / $3::float8 * interval '1 second')
  ON CONFLICT (name) DO UPDATE SET
    given_until = greatest(rates.given_until, clock_timestamp()) + $2::integer / $3::float8 * interval '1 second'
  RETURNING given_until - $2::integer / $3::float8 * interval '1 second' AS first
)
SELECT
  greatest(extract(epoch FROM given.first - clock_timestamp()) * 1000000, 0)::bigint, (1000000 / $3::float8)::bigint,
  (SELECT count(*) FROM light)
FROM given
