-- KEYS: meta, changes. ARGV: this server's id, an id for the state if it has none.
local meta = redis.call('HMGET', KEYS[1], 'generation', 'run')
local generation = meta[1]
if not generation then
  generation = ARGV[2]
  redis.call('HSET', KEYS[1], 'generation', generation, 'seq', 0, 'born', text(clock()))
  -- Numbers begin anew, and nothing in the stream belongs to them.
  redis.call('DEL', KEYS[2])
end
if meta[2] ~= ARGV[1] then
  local now = text(clock())
  redis.call('HSET', KEYS[1], 'run', ARGV[1], 'came', now, 'since', now)
end
return generation
