#!lua flags=allow-oom
-- Renews a lease, and tells a mark that stands there how far it now goes.
-- KEYS: the lease, the mark. ARGV: our value, milliseconds, the activity (empty: as it was).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local generation, through = (redis.call('GET', KEYS[2]) or ''):match('^(%S+) (%d+)$')
-- Never back: a rebuilt partition goes further. As text, because Lua counts to 2^53.
if generation and (#ARGV[3] > #through or #ARGV[3] == #through and ARGV[3] > through) then
  redis.call('SET', KEYS[2], generation .. ' ' .. ARGV[3])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
