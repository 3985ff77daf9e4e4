#!lua flags=allow-oom
-- What `resolve` does when nothing is left to hold or to put off: most of the time.
-- KEYS: log, lease
-- ARGV: our lease value, then the ids of the entries.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end

-- Lua hands over 8,000 values at most.
local ended = 0
for from = 2, #ARGV, 1000 do
  ended = ended + redis.call('XDEL', KEYS[1], unpack(ARGV, from, math.min(from + 999, #ARGV)))
end
return ended
