-- KEYS: meta, changes, all approvals, their ends, the pointer from what this one is found by, this approval, those that its
-- requester waits for. ARGV: generation, run, most changes that are kept, what approvals' keys begin with, what pointers begin with,
-- now, cool-down, most that a requester may wait for, most approvals, how long they are kept once they are over; then this one's id,
-- record, version, status, votes, uses, end of waiting, time of opening, and what it is found by.
local refused = refusal(ARGV[1], ARGV[2], 0)
if refused then return {refused} end
local prefix, now = ARGV[4], tonumber(ARGV[6])

local function is_live(status, pending_until, valid_until)
  if status == 'pending' then return now <= tonumber(pending_until) end
  return status == 'approved' and valid_until ~= '' and now <= tonumber(valid_until)
end

local last = redis.call('GET', KEYS[5])
if last then
  local found = redis.call('HMGET', prefix .. last, 'status', 'pending_until', 'valid_until', 'decided')
  if found[1] and is_live(found[1], found[2], found[3]) then
    return {'known', unpack(approval(prefix .. last))}
  end
  if found[1] == 'denied' and found[4] ~= '' and now - tonumber(found[4]) < tonumber(ARGV[7]) then
    return {'denied', unpack(approval(prefix .. last))}
  end
end
if redis.call('EXISTS', KEYS[6]) == 1 then return {'taken'} end

redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', '(' .. ARGV[6])
if redis.call('ZCARD', KEYS[7]) >= tonumber(ARGV[8]) then return {'many'} end

-- Two of those that were over for long go, so that they become fewer; or of all that are over, where there is no room.
local is_full = redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[9])
local over = now
if not is_full then over = now - tonumber(ARGV[10]) end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', '(' .. text(over), 'LIMIT', 0, 2)) do
  local key = redis.call('HGET', prefix .. id, 'key')
  if key and redis.call('GET', ARGV[5] .. key) == id then redis.call('DEL', ARGV[5] .. key) end
  redis.call('DEL', prefix .. id)
  redis.call('ZREM', KEYS[3], id)
  redis.call('ZREM', KEYS[4], id)
end
if is_full and redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[9]) then return {'full'} end

local id = ARGV[11]
redis.call('HSET', KEYS[6], 'record', ARGV[12], 'version', ARGV[13], 'status', ARGV[14], 'votes', ARGV[15], 'uses', ARGV[16],
  'used', 0, 'pending_until', ARGV[17], 'valid_until', '', 'decided', '', 'spent', '', 'key', ARGV[19])
redis.call('SET', KEYS[5], id)
redis.call('ZADD', KEYS[3], ARGV[18], id)
redis.call('ZADD', KEYS[4], ARGV[17], id)
redis.call('ZADD', KEYS[7], ARGV[17], id)
publish(KEYS[2], ARGV[1], ARGV[3], 'k', 'approval', 'r', ARGV[12])
return {'new'}
