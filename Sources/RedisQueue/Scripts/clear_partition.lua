#!lua flags=allow-oom
-- Removes what is left of a partition before it is rebuilt: all of that is owed is on record in
-- PostgreSQL. Its mark goes too: who stops halfway has not rebuilt it.
-- KEYS: log, lease, later, hosts, mark, and the prefix of the held lists. ARGV: our lease value.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
for _, host in ipairs(redis.call('HKEYS', KEYS[4])) do redis.call('UNLINK', KEYS[6] .. host) end
return redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4], KEYS[5])
