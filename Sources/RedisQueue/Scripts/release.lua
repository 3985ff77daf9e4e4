#!lua flags=allow-oom
-- Brings deliveries that waited for a host back into the log, oldest first.
-- Answers {the id of the log entry or an empty string, how many still wait}.
-- KEYS: log, lease, hosts, the host's held list. ARGV: our lease value, the host, the most.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local pointers = redis.call('LPOP', KEYS[4], ARGV[3]) or {}
local entry = ''
if #pointers > 0 then
  entry = redis.call('XADD', KEYS[1], '*', 'pointers', table.concat(pointers))
end
local remaining = redis.call('LLEN', KEYS[4])
if remaining == 0 then redis.call('HDEL', KEYS[3], ARGV[2]) end
return { entry, remaining }
