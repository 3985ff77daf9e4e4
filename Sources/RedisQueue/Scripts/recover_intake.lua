#!lua flags=allow-oom
-- Takes over what consumers that are gone had in hand. Answers {place of the lane, entries} pairs.
-- One script, because a consumer may be deleted only while it has nothing pending: between two
-- commands it could be given something, and deleting it would lose that for good.
-- Entries must have lain idle for a while: a consumer that is new, or was cut off from Redis for a
-- moment, reads before its first heartbeat is known to others. Our own come back after longer: a read
-- whose answer was lost with its connection would stay pending for all our life.
-- KEYS: the lanes' streams. ARGV: the group, our consumer, the most entries, the milliseconds idle of
-- others' entries and of our own, the living consumers.
local group, self, budget = ARGV[1], ARGV[2], tonumber(ARGV[3])
local idle, own_idle = ARGV[4], ARGV[5]
local alive = {}
for i = 6, #ARGV do alive[ARGV[i]] = true end
alive[self] = nil

local found = {}
for place, stream in ipairs(KEYS) do
  local entries = {}
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
  -- An error is a missing stream or group: nothing can be pending then.
  for _, fields in ipairs(consumers.err and {} or consumers) do
    local name
    for i = 1, #fields, 2 do
      if fields[i] == 'name' then name = fields[i + 1] end
    end
    if not alive[name] then
      local least = name == self and own_idle or idle
      while budget > 0 do
        local ids = {}
        for _, entry in
          ipairs(redis.call('XPENDING', stream, group, 'IDLE', least, '-', '+', budget, name))
        do
          ids[#ids + 1] = entry[1]
        end
        if #ids == 0 then break end
        -- What is pending but deleted from the stream, XCLAIM drops from the pending list.
        for _, entry in ipairs(redis.call('XCLAIM', stream, group, self, least, unpack(ids))) do
          entries[#entries + 1] = entry
          budget = budget - 1
        end
      end
      if name ~= self and #redis.call('XPENDING', stream, group, '-', '+', 1, name) == 0 then
        redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
      end
    end
  end
  found[#found + 1] = { place, entries }
end
return found
