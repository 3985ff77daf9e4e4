#!lua flags=no-writes
-- Which of these deliveries stand neither in `later` nor in the log behind what its owner has read?
-- Answers them, 12 bytes each; none, when there is too much to look through: then another time.
-- KEYS: log, lease, later. ARGV: our lease value, the last entry read, then for each activity: its
--       number in decimal, and its deliveries (activity and inbox, 12 bytes each).
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local DELIVERY, POINTER = 12, 13 -- bytes
local PAGE, LATER, UNREAD = 1000, 50000, 4000 -- 50,000 of `later` take 10 ms

local sought, activities = {}, {}
for at = 3, #ARGV, 2 do
  activities[ARGV[at]] = ARGV[at + 1]
  for from = 1, #ARGV[at + 1], DELIVERY do
    sought[ARGV[at + 1]:sub(from, from + DELIVERY - 1)] = true
  end
end

if redis.call('ZCARD', KEYS[3]) > LATER then return '' end
for from = 0, LATER, PAGE do
  local page = redis.call('ZRANGE', KEYS[3], from, from + PAGE - 1)
  for _, member in ipairs(page) do sought[member:sub(1, DELIVERY)] = nil end
  if #page < PAGE then break end
end

local unread = redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+', 'COUNT', UNREAD)
if #unread == UNREAD then return '' end
for _, entry in ipairs(unread) do
  local fields = entry[2]
  for place = 1, #fields, 2 do
    local name, value = fields[place], fields[place + 1]
    if name == 'pointers' then
      for from = 1, #value, POINTER do sought[value:sub(from, from + DELIVERY - 1)] = nil end
    elseif name == 'activity' and activities[value] then
      -- Whatever part of its audience this entry has: the next time it is read.
      local packed = activities[value]
      for from = 1, #packed, DELIVERY do sought[packed:sub(from, from + DELIVERY - 1)] = nil end
    end
  end
end

local nowhere = {}
for delivery in pairs(sought) do nowhere[#nowhere + 1] = delivery end
return table.concat(nowhere)
