#!lua flags=allow-oom
-- SET NX PX, and true again for who has it: an answer that got lost must not cost a lease time.
-- allow-oom: a partition that nobody may own can't be drained.
-- KEYS: the lease. ARGV: our value, milliseconds.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
