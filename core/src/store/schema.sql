-- Two workers that begin at once make it once.
SELECT pg_advisory_xact_lock(hashtext('xiezhen_jobs'));
CREATE TABLE IF NOT EXISTS xiezhen_jobs (
  key text PRIMARY KEY,
  job text NOT NULL,
  version bigint NOT NULL,
  -- Of the last write: who lost the answer to it asks again with the same.
  nonce text NOT NULL,
  -- Until when it is held; null: by nobody.
  lease timestamptz,
  due timestamptz NOT NULL,
  -- When it would be due if nobody had woken it.
  planned timestamptz,
  -- When it is handed out, to whom asks what is due.
  hand_out timestamptz NOT NULL,
  is_over boolean NOT NULL DEFAULT false,
  -- It has been over before.
  has_ended boolean NOT NULL DEFAULT false,
  -- An intent waits for its answer.
  is_open boolean NOT NULL,
  -- The outcome of a create is unknown.
  is_unknown boolean NOT NULL,
  hints text[] NOT NULL DEFAULT '{}',
  -- How many of the hints the holder has.
  seen integer NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS xiezhen_jobs_hand_out ON xiezhen_jobs (hand_out) WHERE NOT is_over;
CREATE TABLE IF NOT EXISTS xiezhen_jobs_rates (name text PRIMARY KEY, given_until timestamptz NOT NULL);
