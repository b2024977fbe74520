-- KEYS: meta, API keys, when they were used last. ARGV: generation, run, then ids, each with a time.
local refused = refusal(ARGV[1], ARGV[2], 0)
if refused then return {refused} end
for index = 3, #ARGV, 2 do
  local id, at = ARGV[index], ARGV[index + 1]
  local known = redis.call('HGET', KEYS[3], id)
  if redis.call('HEXISTS', KEYS[2], id) == 1 and (not known or tonumber(known) < tonumber(at)) then
    redis.call('HSET', KEYS[3], id, at)
  end
end
return {'done'}
