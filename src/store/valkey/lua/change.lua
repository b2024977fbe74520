-- KEYS: meta, changes, all approvals, their ends, the pointer, this approval, those that its requester waits for. ARGV: generation,
-- run, most changes that are kept; the version that must be there, or nothing if no approval must; id, record, version, status, votes,
-- uses, number of uses so far, those uses, end of waiting, end of validity, time of the decision, time of opening, what it is found by.
local refused = refusal(ARGV[1], ARGV[2], 0)
if refused then return {refused} end
local known = redis.call('HGET', KEYS[6], 'version')
if not known and ARGV[4] ~= '' then return {'missing'} end
if known and known ~= ARGV[4] then return {'stale', unpack(approval(KEYS[6]))} end
local id, status = ARGV[5], ARGV[8]
redis.call('HSET', KEYS[6], 'record', ARGV[6], 'version', ARGV[7], 'status', status, 'votes', ARGV[9], 'uses', ARGV[10],
  'used', ARGV[11], 'spent', ARGV[12], 'pending_until', ARGV[13], 'valid_until', ARGV[14], 'decided', ARGV[15], 'key', ARGV[17])
redis.call('ZADD', KEYS[3], ARGV[16], id)
redis.call('ZADD', KEYS[4], ends(status, ARGV[13], ARGV[14]), id)
if not known then
  -- One that is put back is found again, unless it is over and there is another.
  local is_over = status ~= 'pending' and status ~= 'approved'
  if not is_over or redis.call('EXISTS', KEYS[5]) == 0 then redis.call('SET', KEYS[5], id) end
end
-- One that was taken back counts for as long as it could have been waited for: asking and taking back again is no way around the limit.
local counts = status == 'pending' or status == 'cancelled'
if counts then redis.call('ZADD', KEYS[7], ARGV[13], id) else redis.call('ZREM', KEYS[7], id) end
local seq = publish(KEYS[2], ARGV[1], ARGV[3], 'k', 'approval', 'r', ARGV[6], 'v', ARGV[7], 's', status, 'u', ARGV[12])
return {'done', text(seq)}
