-- KEYS: meta, replay. ARGV: generation, run, settle, digest, until, now, most entries, when it was issued at the earliest or nothing.
local refused = refusal(ARGV[1], ARGV[2], tonumber(ARGV[3]))
if refused then return {refused} end
local now = tonumber(ARGV[6])
local known = redis.call('ZSCORE', KEYS[2], ARGV[4])
if known and tonumber(known) >= now then return {'seen'} end
if ARGV[8] ~= '' then
  -- What was used before this state began is not known here, whoever remembered it.
  local born = redis.call('HGET', KEYS[1], 'born')
  if born and tonumber(ARGV[8]) < tonumber(born) then return {'unknown'} end
end
-- What expired goes by twos, so that it shrinks faster than it can grow.
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[6], 'LIMIT', 0, 2)
for _, digest in ipairs(old) do redis.call('ZREM', KEYS[2], digest) end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[7]) then return {'full'} end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
return {'fresh'}
