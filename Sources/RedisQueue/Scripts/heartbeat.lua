#!lua flags=allow-oom
-- Says that we live and answers who else does, by Redis' clock: the workers' own may differ.
-- KEYS: workers. ARGV: our incarnation; milliseconds a silent one counts as alive, is remembered.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%d', now - ARGV[3]))
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%d', now - ARGV[2]), '+inf')
