-- put: key, lease, nonce, json, open, unknown -> put | present
if exists then
  -- The same call, sent again by a connection that had lost the answer.
  if row.nonce == ARGV[3] and version == 1 then return {'put'} end
  return {'present'}
end
redis.call('HSET', KEYS[1], 'json', ARGV[4], 'version', '1', 'nonce', ARGV[3], 'lease', '0', 'due', ms(now),
  'planned', '0', 'over', '0', 'open', ARGV[5], 'unknown', ARGV[6], 'hints', '[]', 'seen', '0', 'ended', '0')
schedule(ARGV[1], now)
return {'put'}
