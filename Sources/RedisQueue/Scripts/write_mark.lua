#!lua flags=allow-oom
-- Marks a partition as whole, unless Redis is another process than the one that it was rebuilt at:
-- that one may lack some of it.
-- KEYS: mark, lease. ARGV: our lease value, the mark, the run id.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
if redis.call('INFO', 'server'):match('run_id:(%x+)') ~= ARGV[3] then
  return redis.error_reply('FENCED another process has the partition now')
end
return redis.call('SET', KEYS[1], ARGV[2])
