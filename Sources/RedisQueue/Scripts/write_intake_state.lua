#!lua flags=allow-oom
-- The hint to producers: how long each lane is, and whether entries are expanded at all just now.
-- KEYS: state, then the lanes' streams. ARGV: yes or no, milliseconds it is good for, then the
-- lanes' names.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields = { 'expanding', ARGV[1], 'at', string.format('%d', now) }
for lane = 2, #KEYS do
  fields[#fields + 1] = ARGV[lane + 1]
  fields[#fields + 1] = redis.call('XLEN', KEYS[lane])
end
redis.call('HSET', KEYS[1], unpack(fields))
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
