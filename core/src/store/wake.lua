-- wake: key, hint (a text; empty: none), most hints kept -> woken | over | absent
if not exists then return {'absent'} end
-- What is over stays over, unless a hint may tell what became of a create whose outcome is unknown.
if over and (row.unknown ~= '1' or ARGV[2] == '') then return {'over'} end
local all = cjson.decode(hints)
local seen = tonumber(row.seen)
all[#all + 1] = ARGV[2]
while #all > tonumber(ARGV[3]) do
  table.remove(all, 1)
  seen = math.max(0, seen - 1)
end
redis.call('HSET', KEYS[1], 'hints', cjson.encode(all), 'seen', tostring(seen))
if over then
  redis.call('HSET', KEYS[1], 'over', '0', 'lease', '0', 'due', ms(now))
  redis.call('PERSIST', KEYS[1])
  schedule(ARGV[1], now)
elseif lease == 0 then
  redis.call('HSET', KEYS[1], 'due', ms(math.min(due, now)))
  schedule(ARGV[1], now)
end
return {'woken'}
