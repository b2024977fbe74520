-- ARGV: generation, run, settle.
local refused = refusal(ARGV[1], ARGV[2], 0)
if refused then return {refused} end
-- A write: a primary that may not write has not shown that it is the primary.
redis.call('HSET', KEYS[1], 'beat', text(clock()))
local since = tonumber(redis.call('HGET', KEYS[1], 'since'))
local is_settled = clock() - since >= tonumber(ARGV[3])
return {'done', redis.call('HGET', KEYS[1], 'seq'), is_settled and 1 or 0}
