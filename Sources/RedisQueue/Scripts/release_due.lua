#!lua flags=allow-oom
-- Brings single deliveries whose time has come back into the log.
-- Answers {how many came} or {how many came, when the next is due}.
-- KEYS: log, lease, later. ARGV: our lease value, now, the most.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local POINTER = 13 -- bytes
local later = KEYS[3]
local due = redis.call('ZRANGEBYSCORE', later, '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
if #due > 0 then
  redis.call('ZREM', later, unpack(due))
  -- What follows a pointer is for a new owner, who looks before it comes back.
  for place, member in ipairs(due) do due[place] = member:sub(1, POINTER) end
  redis.call('XADD', KEYS[1], '*', 'pointers', table.concat(due))
end
local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
return { #due, tonumber(first[2]) }
