-- save: key, lease, nonce, version, json, open, unknown, late -> saved, 0, version | conflict, 0, version, json | absent
if not exists then return {'absent'} end
local expected = tonumber(ARGV[4])
if version ~= expected then
  -- The same call, sent again by a connection that had lost the answer.
  if version == expected + 1 and row.nonce == ARGV[3] then return {'saved', '0', row.version} end
  return {'conflict', '0', row.version, row.json}
end
version = tostring(version + 1)
local held = lease > 0
redis.call('HSET', KEYS[1], 'json', ARGV[5], 'version', version, 'nonce', ARGV[3], 'open', ARGV[6], 'unknown', ARGV[7])
if ARGV[8] ~= '1' and held then
  redis.call('HSET', KEYS[1], 'lease', ms(now + tonumber(ARGV[2])))
  schedule(ARGV[1], now + tonumber(ARGV[2]))
elseif not held or ARGV[6] ~= '1' then
  -- An answer that came late is in: whoever comes next goes on with it, at once. A holder whose own create is under way
  -- is left in peace: its lease runs on.
  redis.call('HSET', KEYS[1], 'lease', '0', 'due', ms(now), 'planned', '0', 'over', '0')
  redis.call('PERSIST', KEYS[1])
  schedule(ARGV[1], now)
end
return {'saved', '0', version}
