#!lua flags=no-writes
-- Which entries before the asked ones are not finished and have a text in their `activity` or
-- `object`? Answers, for each that asks, the ids found, or 0 when more stands before it than is
-- looked at.
-- A finished entry is deleted with its ack, so what stands in the stream is pending, or unread (a
-- group that was lost gives out again what others have in hand), or nobody's: acked by hand, its
-- consumer deleted by hand. Nobody's would be waited for for ever, so it does not count.
-- KEYS: the lane's stream. ARGV: the group, the most entries, the most bytes of them and the most
-- bytes to be searched, then for each that asks, ascending: its id, the text.
local stream, group = KEYS[1], ARGV[1]
local entries_left, bytes_left = tonumber(ARGV[2]), tonumber(ARGV[3])
local search_left = tonumber(ARGV[4])
local last_asked = ARGV[#ARGV - 1]

-- Entries of a lane may be megabytes long, so pages grow only while they are small.
local ids, texts, places = {}, {}, {}
-- What it costs to search all up to this one; to begin costs as much as 256 bytes.
local costs = { [0] = 0 }
local page, after, complete = 4, '-', false
while entries_left > 0 and bytes_left > 0 do
  page = math.min(page, entries_left)
  local found = redis.call('XRANGE', stream, after, last_asked, 'COUNT', page)
  local bytes = 0
  for _, entry in ipairs(found) do
    local text, cost = {}, 256
    for i = 1, #entry[2], 2 do
      local name, value = entry[2][i], entry[2][i + 1]
      bytes = bytes + #value
      if name == 'activity' or name == 'object' then
        text[#text + 1] = value
        cost = cost + #value
      end
    end
    ids[#ids + 1], texts[#texts + 1] = entry[1], text
    costs[#ids] = costs[#ids - 1] + cost
    places[entry[1]] = #ids
  end
  if #found < page then
    complete = true
    break
  end
  after = '(' .. ids[#ids]
  entries_left, bytes_left = entries_left - #found, bytes_left - bytes
  page = math.max(math.min(math.floor(262144 * #found / (bytes + 1)), 64), 1)
end

local function split(id)
  local milliseconds, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(milliseconds), tonumber(sequence)
end

-- How many of those looked at stand before it; nil: there may be more.
local function count_before(id)
  if places[id] then return places[id] - 1 end
  local milliseconds, sequence = split(id)
  for place = #ids, 1, -1 do
    local m, s = split(ids[place])
    if m < milliseconds or m == milliseconds and s < sequence then
      return (complete or place < #ids) and place or nil
    end
  end
  return complete and 0 or nil
end

local delivered
local function is_somebodys(id)
  if #redis.call('XPENDING', stream, group, id, id, 1) > 0 then return true end
  if not delivered then
    delivered = { 0, 0 }
    for _, fields in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
      local named = {}
      for i = 1, #fields, 2 do named[fields[i]] = fields[i + 1] end
      if named['name'] == group then delivered = { split(named['last-delivered-id']) } end
    end
  end
  local m, s = split(id)
  return m > delivered[1] or m == delivered[1] and s > delivered[2]
end

local function has(texts, needle)
  for _, text in ipairs(texts) do
    if string.find(text, needle, 1, true) then return true end
  end
  return false
end

local answers = {}
for i = 5, #ARGV, 2 do
  local count = count_before(ARGV[i])
  search_left = search_left - costs[count or 0]
  if not count or search_left < 0 then
    answers[#answers + 1] = 0
  else
    local found = {}
    for place = 1, count do
      if has(texts[place], ARGV[i + 1]) and is_somebodys(ids[place]) then
        found[#found + 1] = ids[place]
      end
    end
    answers[#answers + 1] = found
  end
end
return answers
