#!lua flags=allow-oom
-- KEYS: mark, lease. ARGV: our lease value, the mark.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
return redis.call('SET', KEYS[1], ARGV[2])
