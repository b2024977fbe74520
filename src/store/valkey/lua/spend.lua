-- KEYS: meta, changes, the approvals' ends, this approval. ARGV: generation, run, settle, most changes that are kept, id, votes, the
-- decision that uses it, now, most uses by now.
local refused = refusal(ARGV[1], ARGV[2], tonumber(ARGV[3]))
if refused then return {refused} end
local found = redis.call('HMGET', KEYS[4], 'status', 'valid_until', 'votes', 'uses', 'used', 'spent', 'record')
local status, valid_until, votes, uses, used, spent = found[1], found[2], found[3], found[4], found[5], found[6]
if not status then return {'missing'} end
if status ~= 'approved' then return {'gone', status} end
if valid_until == '' or tonumber(ARGV[8]) > tonumber(valid_until) then return {'gone', 'expired'} end
if tonumber(used) >= math.min(tonumber(uses), tonumber(ARGV[9])) then return {'gone', 'consumed'} end
if votes ~= ARGV[6] then return {'changed', unpack(approval(KEYS[4]))} end
used = redis.call('HINCRBY', KEYS[4], 'used', 1)
local version = redis.call('HINCRBY', KEYS[4], 'version', 1)
spent = spent .. ARGV[7] .. ' ' .. ARGV[8] .. '\n'
if used >= tonumber(uses) then
  status = 'consumed'
  redis.call('ZADD', KEYS[3], text(clock()), ARGV[5])
end
redis.call('HSET', KEYS[4], 'spent', spent, 'status', status)
publish(KEYS[2], ARGV[1], ARGV[4], 'k', 'approval', 'r', found[7], 'v', text(version), 's', status, 'u', spent)
return {'done', unpack(approval(KEYS[4]))}
