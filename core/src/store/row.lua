-- What every script begins with. KEYS[1] is the row of one job (a hash), KEYS[2] the schedule of all (a sorted set).
-- A row: json, version, nonce (of the last write), lease (until when it is held; 0: by nobody), due, planned, over,
-- open (an intent waits for its answer), unknown (a create's outcome is), hints (a JSON list of texts), seen (how many of
-- them the holder has), ended (it has been over before). Times are milliseconds since 1970, by the clock of this server alone.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local row = {}
do
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do row[fields[i]] = fields[i + 1] end
end
local exists = row.version ~= nil
local version = tonumber(row.version or '0')
local lease = tonumber(row.lease or '0')
local due = tonumber(row.due or '0')
local over = row.over == '1'
local hints = row.hints or '[]'
local function ms(time) return string.format('%.0f', time) end
-- Hands the job out at this time.
local function schedule(key, time) redis.call('ZADD', KEYS[2], ms(time), key) end
