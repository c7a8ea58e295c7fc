-- due: limit, lease -> keys. Each is handed out again after the lease, if nothing comes of it.
local keys = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ms(now), 'LIMIT', 0, ARGV[1])
for _, key in ipairs(keys) do schedule(key, now + tonumber(ARGV[2])) end
return keys
