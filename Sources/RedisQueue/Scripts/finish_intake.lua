#!lua flags=allow-oom
-- Acks and deletes intake entries. Answers how many were still there.
-- KEYS: the lanes' streams. ARGV: the group, then for each stream: how many ids, the ids.
local group, at, removed = ARGV[1], 1, 0
for _, stream in ipairs(KEYS) do
  local count = tonumber(ARGV[at + 1])
  local first, last = at + 2, at + 1 + count
  -- Lua unpacks at most 8,000 values.
  for start = first, last, 1000 do
    local stop = math.min(start + 999, last)
    redis.call('XACK', stream, group, unpack(ARGV, start, stop))
    removed = removed + redis.call('XDEL', stream, unpack(ARGV, start, stop))
  end
  at = last
end
return removed
