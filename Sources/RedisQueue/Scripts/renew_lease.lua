#!lua flags=allow-oom
-- KEYS: the lease. ARGV: our value, milliseconds.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
