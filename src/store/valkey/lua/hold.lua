-- KEYS: meta. ARGV: generation, run, for how long at most.
local refused = refusal(ARGV[1], ARGV[2], 0)
if refused then return {refused} end
-- As long as somebody puts something back, nothing is used up; within a bound, so that nobody can hold up the others for ever.
local now, came = clock(), redis.call('HGET', KEYS[1], 'came')
if came and now - tonumber(came) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[1], 'since', text(now)) end
return {'done'}
