#!lua flags=allow-oom
-- Ends log entries, each once: what is owed still goes to a held list or to `later` in the same
-- step, and an entry that has ended before puts nothing there again. Deletes before it adds.
-- KEYS: log, lease, later, hosts, and the prefix of the held lists: their number is not known
--       beforehand, and the hash tag puts them all into the slot of the other keys.
-- ARGV: our lease value, then for each entry: id; how many holds, {host, head|tail, pointers in the
--       order of their activities};
--       how many laters, {due, pointer and chain}; how many host states, {host, state}.
local log, lease, later, hosts, held = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if redis.call('GET', lease) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end

local POINTER = 13 -- bytes
local at = 1
local function take()
  at = at + 1
  return ARGV[at]
end

local holds, laters, states, ended = {}, {}, {}, 0
while at < #ARGV do
  local mine = redis.call('XDEL', log, take()) == 1
  if mine then ended = ended + 1 end
  for _ = 1, tonumber(take()) do
    local hold = { host = take() }
    hold.side = take()
    hold.packed = take()
    if mine then holds[#holds + 1] = hold end
  end
  for _ = 1, tonumber(take()) do
    local due = take()
    local pointer = take()
    if mine then laters[#laters + 1] = { due, pointer } end
  end
  for _ = 1, tonumber(take()) do
    local host = take()
    local state = take()
    if mine then states[#states + 1] = { host, state } end
  end
end

-- Lua compares strings by the locale of the server: activity and inbox are compared as numbers.
local function precedes(left, right)
  local a, b, c = struct.unpack('>I4I4I4', left)
  local x, y, z = struct.unpack('>I4I4I4', right)
  if a ~= x then return a < x end
  if b ~= y then return b < y end
  return c < z
end

-- A list is kept in the order of the activities: what returns to the head goes behind what is older
-- (an owner may have put back what the next one still found, newer, in the log), and what is fresh
-- before what is newer (whose entry ended first). Almost all belong at that very end, or near it.
local NEAR = 512
-- LINSERT goes through the list up to the place, some 10 ns an element: of one script it takes 20 ms, no
-- more. After that what belongs far from its end stays near it.
local visits = 2000000

-- Whether there were visits left for it.
local function insert_far(list, pointer)
  local low, high = 0, redis.call('LLEN', list)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if precedes(redis.call('LINDEX', list, middle), pointer) then low = middle + 1 else high = middle end
  end
  local successor = redis.call('LINDEX', list, low)
  if not successor then
    redis.call('RPUSH', list, pointer)
    return true
  end
  if low > visits then return false end
  visits = visits - low
  redis.call('LINSERT', list, 'BEFORE', successor, pointer)
  return true
end

local function insert_at_head(list, packed)
  local merged = {}
  for from = 1, #packed, POINTER do
    local pointer = packed:sub(from, from + POINTER - 1)
    local head = redis.call('LINDEX', list, 0)
    while head and #merged < NEAR and precedes(head, pointer) do
      merged[#merged + 1] = redis.call('LPOP', list)
      head = redis.call('LINDEX', list, 0)
    end
    local is_far = head and precedes(head, pointer)
    if not (is_far and insert_far(list, pointer)) then merged[#merged + 1] = pointer end
  end
  -- LPUSH turns the order round, so the last one goes first.
  for place = #merged, 1, -1 do redis.call('LPUSH', list, merged[place]) end
end

local function insert_at_tail(list, packed)
  local newer = {} -- newest first
  local first = packed:sub(1, POINTER)
  local tail = redis.call('LINDEX', list, -1)
  while tail and #newer < NEAR and precedes(first, tail) do
    newer[#newer + 1] = redis.call('RPOP', list)
    tail = redis.call('LINDEX', list, -1)
  end
  for from = 1, #packed, POINTER do
    local pointer = packed:sub(from, from + POINTER - 1)
    local is_far = tail and precedes(pointer, tail)
    if not (is_far and insert_far(list, pointer)) then
      while #newer > 0 and precedes(newer[#newer], pointer) do
        redis.call('RPUSH', list, table.remove(newer))
      end
      redis.call('RPUSH', list, pointer)
    end
  end
  for place = #newer, 1, -1 do redis.call('RPUSH', list, newer[place]) end
end

for _, hold in ipairs(holds) do
  local list, packed = held .. hold.host, hold.packed
  if hold.side == 'head' then
    insert_at_head(list, packed)
  else
    insert_at_tail(list, packed)
  end
end
for _, entry in ipairs(laters) do redis.call('ZADD', later, entry[1], entry[2]) end
for _, entry in ipairs(states) do redis.call('HSET', hosts, entry[1], entry[2]) end
return ended
