-- claim: key, lease, nonce, reopen -> claimed, ms, version, json, hints, ended | busy, ms | early, ms | over | absent
if not exists then return {'absent'} end
if over and ARGV[4] ~= '1' then return {'over'} end
local again = row.nonce == ARGV[3]
if lease > now and not again then return {'busy', ms(lease - now)} end
-- A lease that ran out makes the job due, whatever was planned.
if lease == 0 and due > now and ARGV[4] ~= '1' then return {'early', ms(due - now)} end
if not again then version = version + 1 end
local seen = #cjson.decode(hints)
redis.call('HSET', KEYS[1], 'version', tostring(version), 'nonce', ARGV[3], 'lease', ms(now + tonumber(ARGV[2])),
  'over', '0', 'seen', tostring(seen))
redis.call('PERSIST', KEYS[1])
schedule(ARGV[1], now + tonumber(ARGV[2]))
-- Woken before the time that was planned: by so much.
local planned = tonumber(row.planned)
return {'claimed', ms(math.max(0, planned - now)), tostring(version), row.json, hints, row.ended}
