-- release: key, version, ms (-1: it is over), keep ms (0: for ever) -> released | open | conflict | absent
if not exists then return {'absent'} end
if version ~= tonumber(ARGV[2]) then return {'conflict'} end
if row.open == '1' then return {'open'} end
local after = tonumber(ARGV[3])
if after < 0 then
  redis.call('HSET', KEYS[1], 'lease', '0', 'over', '1', 'ended', '1', 'hints', '[]', 'seen', '0')
  redis.call('ZREM', KEYS[2], ARGV[1])
  if tonumber(ARGV[4]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
  return {'released'}
end
-- What the holder was told of is done with; what came meanwhile makes the job due at once.
local left = {}
local all = cjson.decode(hints)
for i = tonumber(row.seen) + 1, #all do left[#left + 1] = all[i] end
local time = now + after
if #left > 0 then time = now end
redis.call('HSET', KEYS[1], 'lease', '0', 'due', ms(time), 'planned', ms(now + after), 'seen', '0',
  'hints', #left > 0 and cjson.encode(left) or '[]')
schedule(ARGV[1], time)
return {'released'}
