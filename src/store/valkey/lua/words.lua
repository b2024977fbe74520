-- Words that all scripts share. KEYS[1] is always `meta`: the state's id, the server that holds it, when that came and since when
-- nobody puts anything back any more (by its own clock, in milliseconds), the number of changes so far, and when the state began.

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Lua would write a large number with an exponent.
local function text(number)
  return string.format('%.0f', number)
end

-- Nothing, or why nothing may be done over this connection: the state or the server is another one by now, or the server has
-- just come and what it may lack is still being put back.
local function refusal(generation, run, settle)
  local meta = redis.call('HMGET', KEYS[1], 'generation', 'run', 'since')
  if meta[1] ~= generation or meta[2] ~= run then return 'moved' end
  if settle > 0 and clock() - tonumber(meta[3]) < settle then return 'settling' end
  return nil
end

-- Numbers a change and tells everybody. The number is the id in the stream, so that whoever reads notices a gap.
local function publish(changes, generation, most, ...)
  local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  redis.call('XADD', changes, 'MAXLEN', '~', most, text(seq) .. '-0', 'g', generation, 't', text(clock()), ...)
  return seq
end

-- Since when, or until when, an approval is over: those that are over count by the moment when they were changed last.
local function ends(status, pending_until, valid_until)
  if status == 'pending' then return pending_until end
  if status == 'approved' and valid_until ~= '' then return valid_until end
  return text(clock())
end

-- What an approval is made of, for those who read it: its record as it was written last, and what has become of it since.
local function approval(key)
  return redis.call('HMGET', key, 'record', 'version', 'status', 'spent')
end
