#!lua flags=allow-oom
-- Makes a consumer group on each stream that lacks it, from the stream's very first entry.
-- allow-oom: a worker that starts while Redis is full must be able to drain it.
-- KEYS: the streams. ARGV: the group.
for _, stream in ipairs(KEYS) do
  local made = redis.pcall('XGROUP', 'CREATE', stream, ARGV[1], '0', 'MKSTREAM')
  if made.err and not made.err:find('BUSYGROUP', 1, true) then return made end
end
return redis.status_reply('OK')
