#!lua flags=allow-oom
-- Writes the epoch that PostgreSQL gave into a lease that is still ours.
-- KEYS: the lease. ARGV: what our values start with, the new value, milliseconds.
local holder = redis.call('GET', KEYS[1])
if not holder or holder:sub(1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
