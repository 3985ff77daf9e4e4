#!lua flags=allow-oom
-- Takes over what consumers that are gone had in hand. Answers {place of the lane, entries} pairs.
-- One script, because a consumer may be deleted only while it has nothing pending: between two
-- commands it could be given something, and deleting it would lose that for good.
-- KEYS: the lanes' streams. ARGV: the group, our consumer, the most entries, the living consumers.
local group, self, budget = ARGV[1], ARGV[2], tonumber(ARGV[3])
local alive = { [self] = true }
for i = 4, #ARGV do alive[ARGV[i]] = true end

local found = {}
for place, stream in ipairs(KEYS) do
  local entries = {}
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
  -- An error is a missing stream or group: nothing can be pending then.
  for _, fields in ipairs(consumers.err and {} or consumers) do
    local consumer = {}
    for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
    local name = consumer.name
    if not alive[name] then
      if consumer.pending > 0 and budget > 0 then
        local ids = {}
        for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', budget, name)) do
          ids[#ids + 1] = entry[1]
        end
        budget = budget - #ids
        -- Entries that are pending but deleted are dropped from the pending list by XCLAIM.
        for _, entry in ipairs(redis.call('XCLAIM', stream, group, self, 0, unpack(ids))) do
          entries[#entries + 1] = entry
        end
      end
      if #redis.call('XPENDING', stream, group, '-', '+', 1, name) == 0 then
        redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
      end
    end
  end
  found[#found + 1] = { place, entries }
end
return found
