#!lua flags=allow-oom
-- Appends one fan-out to a log while Redis is full: its intake entry, which is larger, goes next, and
-- nothing else would ever make room.
-- KEYS: the log. ARGV: names and values.
return redis.call('XADD', KEYS[1], '*', unpack(ARGV))
