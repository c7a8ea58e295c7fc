-- reserve: how many, requests per second -> microseconds until the first permit, and between two. KEYS[1] is the time up
-- to which permits are given away, in microseconds.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local pause = 1000000 / tonumber(ARGV[2])
local first = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local last = first + pause * tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', last), 'PX', string.format('%.0f', (last - now) / 1000 + 1000))
return {string.format('%.0f', first - now), string.format('%.0f', pause)}
