#!lua flags=allow-oom
-- Moves malformed intake entries aside, each once: one that is gone already leaves no second trace.
-- KEYS: the list of the rejected, then the lanes' streams.
-- ARGV: the group, how many rejected ones are kept, then for each entry: its stream's place among
--       the lanes (from 1), its id, how many values follow, those values (names and values in turn).
local rejected, group, kept = KEYS[1], ARGV[1], ARGV[2]
local at, moved = 3, 0
while at <= #ARGV do
  local stream, id, count = KEYS[1 + tonumber(ARGV[at])], ARGV[at + 1], tonumber(ARGV[at + 2])
  redis.call('XACK', stream, group, id)
  if redis.call('XDEL', stream, id) == 1 then
    redis.call('XADD', rejected, 'MAXLEN', '~', kept, '*', unpack(ARGV, at + 3, at + 2 + count))
    moved = moved + 1
  end
  at = at + 3 + count
end
return moved
