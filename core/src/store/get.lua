-- get: the job of KEYS[1]
return redis.call('HGET', KEYS[1], 'json')
