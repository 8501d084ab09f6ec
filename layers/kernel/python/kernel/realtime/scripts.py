"""Owns the scripts in Redis: each is one atomic step over the register of connections, topics and shards.

    rt:c:<connection>       hash: subject, admin, ends (of the session, ms), "t <topic>" -> "<p|-><shard>"
    rt:t:<topic>            hash: epoch, sequence, shards
    rt:b:<topic>            list: the newest messages, the newest last
    rt:m:<topic>|<shard>    hash: member -> end of its right to the topic (ms; 0: never)
    rt:l:<topic>|<shard>    hash: member -> its position, where that is not the shard's cursor
    rt:d:<topic>|<shard>    hash: epoch, cursor, holder, until (ms): who fans out now
    rt:p:<topic>|<key>      what a publication became, so that its repetition is none

Redis may lose all or any of it: a topic that is not there begins a new epoch, and a connection that is not there is
told so when it next says something. Everything has an end. Names are checked before they come here (topics.py).
"""

from typing import Final

#: API Gateway closes a connection after two hours; what belongs to one outlives it a little.
LIFETIME_S: Final = 2 * 60 * 60 + 15 * 60
TOPIC_S: Final = 24 * 60 * 60
KEY_S: Final = 10 * 60

_COMMON: Final = f"""
local LIFETIME, TOPIC, KEY = {LIFETIME_S}, {TOPIC_S}, {KEY_S}
local call = redis.call
local function at(room, topic, part) return 'rt:' .. room .. ':' .. topic .. (part and ('|' .. part) or '') end
local function number(text) return tonumber(text or '0') or 0 end
local function plain(value) return string.format('%.0f', value) end
local function now()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function topic_state(topic, fresh)
  local key = at('t', topic)
  local epoch = call('HGET', key, 'epoch')
  if not epoch then
    call('DEL', at('b', topic))
    call('HSET', key, 'epoch', fresh, 'sequence', '0', 'shards', call('HGET', key, 'shards') or '0')
    epoch = fresh
  end
  call('EXPIRE', key, TOPIC)
  call('EXPIRE', at('b', topic), TOPIC)
  return epoch, number(call('HGET', key, 'sequence')), number(call('HGET', key, 'shards'))
end
local function shard_cursor(topic, shard, epoch, fallback)
  local key = at('d', topic, shard)
  local known = call('HMGET', key, 'epoch', 'cursor')
  if known[1] == epoch then return number(known[2]) end
  call('DEL', key, at('l', topic, shard))
  call('HSET', key, 'epoch', epoch, 'cursor', plain(fallback))
  call('EXPIRE', key, LIFETIME)
  return fallback
end
local function leave(connection, topic)
  local place = call('HGET', 'rt:c:' .. connection, 't ' .. topic)
  if not place then return 0 end
  local shard = string.sub(place, 2)
  call('HDEL', 'rt:c:' .. connection, 't ' .. topic)
  call('HDEL', at('l', topic, shard), connection)
  call('HDEL', at('m', topic, shard), connection)
  local shards = number(call('HGET', at('t', topic), 'shards'))
  while shards > 0 and call('HLEN', at('m', topic, plain(shards - 1))) == 0 do shards = shards - 1 end
  if call('EXISTS', at('t', topic)) == 1 then call('HSET', at('t', topic), 'shards', plain(shards)) end
  return 1
end
local function topics_of(connection)
  local topics = {{}}
  for _, field in ipairs(call('HKEYS', 'rt:c:' .. connection)) do
    if string.sub(field, 1, 2) == 't ' then table.insert(topics, string.sub(field, 3)) end
  end
  return topics
end
local function private_topics_of(connection)
  local topics = {{}}
  for _, topic in ipairs(topics_of(connection)) do
    if string.sub(call('HGET', 'rt:c:' .. connection, 't ' .. topic), 1, 1) == 'p' then table.insert(topics, topic) end
  end
  return topics
end
"""

# connection, subject, admin, ends
OPEN: Final = (
    _COMMON
    + """
local key = 'rt:c:' .. ARGV[1]
for _, topic in ipairs(topics_of(ARGV[1])) do leave(ARGV[1], topic) end
call('DEL', key)
call('HSET', key, 'subject', ARGV[2], 'admin', ARGV[3], 'ends', ARGV[4])
call('EXPIRE', key, LIFETIME)
return 1
"""
)

# connection -> how many topics it leaves
CLOSE: Final = (
    _COMMON
    + """
local left = 0
for _, topic in ipairs(topics_of(ARGV[1])) do left = left + leave(ARGV[1], topic) end
call('DEL', 'rt:c:' .. ARGV[1])
return left
"""
)

# connection, now -> {known, subject, admin, ended topics, [topic, epoch, sequence]...}
SEEN: Final = (
    _COMMON
    + """
local key = 'rt:c:' .. ARGV[1]
local known = call('HMGET', key, 'subject', 'admin', 'ends')
if not known[1] then return {0, '', '0', {}, {}} end
local moment, ended = number(ARGV[2]), {}
local ends = number(known[3])
if ends > 0 and ends <= moment then
  ended = private_topics_of(ARGV[1])
  for _, topic in ipairs(ended) do leave(ARGV[1], topic) end
  call('HSET', key, 'subject', '', 'admin', '0', 'ends', '0')
  known = {'', '0'}
  table.insert(ended, 1, '')
end
local positions = {}
for _, topic in ipairs(topics_of(ARGV[1])) do
  local state = call('HMGET', at('t', topic), 'epoch', 'sequence')
  local shard = string.sub(call('HGET', key, 't ' .. topic), 2)
  -- A shard that Redis lost does not know its member any more: for the client the epoch is over.
  local kept = call('HEXISTS', at('m', topic, shard), ARGV[1]) == 1
  table.insert(positions, {topic, kept and state[1] or '', state[2] or '0'})
end
return {1, known[1], known[2], ended, positions}
"""
)

# connection, subject, admin, ends -> the topics that it lost with another person's session; false: unknown
AUTHENTICATE: Final = (
    _COMMON
    + """
local key = 'rt:c:' .. ARGV[1]
local subject = call('HGET', key, 'subject')
if not subject then return {0, {}} end
local lost = {}
for _, topic in ipairs(private_topics_of(ARGV[1])) do
  if subject ~= ARGV[2] or call('HGET', key, 'admin') ~= ARGV[3] then
    leave(ARGV[1], topic)
    table.insert(lost, topic)
  else
    local shard = string.sub(call('HGET', key, 't ' .. topic), 2)
    if call('HEXISTS', at('m', topic, shard), ARGV[1]) == 1 then
      call('HSET', at('m', topic, shard), ARGV[1], ARGV[4])
    end
  end
end
call('HSET', key, 'subject', ARGV[2], 'admin', ARGV[3], 'ends', ARGV[4])
return {1, lost}
"""
)

# connection, topic, private, fresh epoch, epoch, sequence, shard size, most topics
# -> {verdict, epoch, sequence, shard, whether messages wait}
JOIN: Final = (
    _COMMON
    + """
local connection, topic, key = ARGV[1], ARGV[2], 'rt:c:' .. ARGV[1]
if call('EXISTS', key) == 0 then return {'unknown', '', 0, 0, 0} end
local place = call('HGET', key, 't ' .. topic)
if not place and #topics_of(connection) >= number(ARGV[8]) then return {'full', '', 0, 0, 0} end
local epoch, sequence, shards = topic_state(topic, ARGV[4])
local verdict, position = 'new', sequence
if ARGV[5] ~= '' then
  local asked = number(ARGV[6])
  if ARGV[5] ~= epoch or asked > sequence then
    verdict = 'epoch_changed'
  elseif sequence - asked > call('LLEN', at('b', topic)) then
    verdict = 'beyond_backlog'
  else
    verdict, position = 'resumed', asked
  end
end
local ends = ARGV[3] == '1' and call('HGET', key, 'ends') or '0'
local shard = place and string.sub(place, 2)
local joined = shard and call('HEXISTS', at('m', topic, shard), connection) == 1
if not joined then
  shard = nil
  for i = 0, shards - 1 do
    if call('HLEN', at('m', topic, plain(i))) < number(ARGV[7]) then
      shard = plain(i)
      break
    end
  end
  if not shard then
    shard = plain(shards)
    call('HSET', at('t', topic), 'shards', plain(shards + 1))
  end
  call('HSET', key, 't ' .. topic, (ARGV[3] == '1' and 'p' or '-') .. shard)
end
local cursor = shard_cursor(topic, shard, epoch, sequence)
call('HSET', at('m', topic, shard), connection, ends)
if not joined or verdict ~= 'new' then
  call('HSET', at('l', topic, shard), connection, plain(position))
end
for _, room in ipairs({'m', 'l', 'd'}) do call('EXPIRE', at(room, topic, shard), LIFETIME) end
return {verdict, epoch, sequence, number(shard), (position < sequence or cursor < sequence) and 1 or 0}
"""
)

# connection, topics... -> how many it left
LEAVE: Final = (
    _COMMON
    + """
local left = 0
for i = 2, #ARGV do left = left + leave(ARGV[1], ARGV[i]) end
return left
"""
)

# fresh epoch, backlog, and of each message its topic, key, head, tail -> of each {epoch, sequence, shards, members}
PUBLISH: Final = (
    _COMMON
    + """
local function publish(topic, key, head, tail)
  local epoch, sequence, shards = topic_state(topic, ARGV[1])
  local before = call('GET', at('p', topic, key))
  local was_epoch, was_sequence = string.match(before or '', '^(%S+) (%d+)$')
  if was_epoch == epoch then
    sequence = number(was_sequence)
  else
    sequence = call('HINCRBY', at('t', topic), 'sequence', 1)
    local text = head .. '"epoch":"' .. epoch .. '","sequence":' .. plain(sequence) .. ',' .. tail
    call('RPUSH', at('b', topic), text)
    call('LTRIM', at('b', topic), -number(ARGV[2]), -1)
    call('EXPIRE', at('b', topic), TOPIC)
    call('SET', at('p', topic, key), epoch .. ' ' .. plain(sequence), 'EX', KEY)
  end
  local members = 0
  for i = 0, shards - 1 do members = members + call('HLEN', at('m', topic, plain(i))) end
  return {epoch, sequence, shards, members}
end
local published = {}
for i = 3, #ARGV, 4 do table.insert(published, publish(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])) end
return published
"""
)

# topic -> {epoch, sequence, the last message or ''}
LAST: Final = (
    _COMMON
    + """
local state = call('HMGET', at('t', ARGV[1]), 'epoch', 'sequence')
return {state[1] or '', number(state[2]), call('LINDEX', at('b', ARGV[1]), -1) or ''}
"""
)

# topic, shard, holder, lease ms, posts at most, bytes at most, and of the step that was done its epoch ('' at first),
# its last number, how many words of positions follow, those it saw, those it left (of members that it could not reach)
# -> {'work', epoch, cursor, oldest, first, upto, texts, members, positions} or {'idle' | 'busy' | 'lost'}
STEP: Final = (
    _COMMON
    + """
local topic, shard, holder = ARGV[1], ARGV[2], ARGV[3]
local epoch = call('HGET', at('t', topic), 'epoch')
if not epoch then return {'lost'} end
local sequence = number(call('HGET', at('t', topic), 'sequence'))
local cursor, key, moment = shard_cursor(topic, shard, epoch, 0), at('d', topic, shard), now()
local held = call('HMGET', key, 'holder', 'until')
if held[1] and held[1] ~= holder and moment < number(held[2]) then return {'busy'} end
local positions = call('HGETALL', at('l', topic, shard))
if ARGV[7] ~= '' then
  if held[1] ~= holder or ARGV[7] ~= epoch then return {'lost'} end
  -- Only who was there when the step began has been served: those listed, or, unlisted, everybody at the cursor.
  local done = number(ARGV[8])
  local served = {}
  local split = 9 + number(ARGV[9])
  for i = 10, split, 2 do served[ARGV[i]] = ARGV[i + 1] end
  if done > cursor then
    cursor = done
    call('HSET', key, 'cursor', plain(cursor))
  end
  for i = 1, #positions, 2 do
    if served[positions[i]] == positions[i + 1] and number(positions[i + 1]) < done then
      call('HSET', at('l', topic, shard), positions[i], plain(done))
    end
  end
  for i = split + 1, #ARGV, 2 do
    if call('HEXISTS', at('m', topic, shard), ARGV[i]) == 1 then
      call('HSET', at('l', topic, shard), ARGV[i], ARGV[i + 1])
    end
  end
  call('EXPIRE', at('l', topic, shard), LIFETIME)
  positions = call('HGETALL', at('l', topic, shard))
end
local lowest = cursor
for i = 1, #positions, 2 do
  local position = number(positions[i + 1])
  if position == cursor then call('HDEL', at('l', topic, shard), positions[i]) end
  if position < lowest then lowest = position end
end
local count = call('HLEN', at('m', topic, shard))
if count == 0 then
  cursor, lowest = sequence, sequence
  call('HSET', key, 'cursor', plain(cursor))
  call('DEL', at('l', topic, shard))
end
if lowest >= sequence then
  call('HDEL', key, 'holder', 'until')
  return {'idle'}
end
local backlog = call('LLEN', at('b', topic))
local oldest = sequence - backlog + 1
local first = math.max(lowest + 1, oldest)
local most = math.max(1, math.floor(number(ARGV[5]) / count))
local texts, bytes, room = {}, 0, number(ARGV[6])
for i = first - oldest, math.min(backlog, first - oldest + most) - 1 do
  local text = call('LINDEX', at('b', topic), i)
  bytes = bytes + #text
  if bytes > room and #texts > 0 then break end
  table.insert(texts, text)
end
local upto = first + #texts - 1
call('HSET', key, 'holder', holder, 'until', plain(moment + number(ARGV[4])))
call('EXPIRE', key, LIFETIME)
return {'work', epoch, cursor, oldest, first, upto, texts, call('HGETALL', at('m', topic, shard)),
        call('HGETALL', at('l', topic, shard))}
"""
)

# topic, shard, holder
RELEASE: Final = (
    _COMMON
    + """
local key = at('d', ARGV[1], ARGV[2])
if call('HGET', key, 'holder') == ARGV[3] then call('HDEL', key, 'holder', 'until') end
return 1
"""
)
