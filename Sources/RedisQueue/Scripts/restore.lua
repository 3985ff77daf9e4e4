#!lua flags=allow-oom
-- Appends fan-outs to a log for its owner.
-- allow-oom: a partition that cannot be rebuilt has no owner, and nothing of it ever makes room.
-- KEYS: log, lease. ARGV: our lease value, then for each entry: how many names and values, and those.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local at = 2
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  redis.call('XADD', KEYS[1], '*', unpack(ARGV, at + 1, at + count))
  at = at + 1 + count
end
return redis.status_reply('OK')
