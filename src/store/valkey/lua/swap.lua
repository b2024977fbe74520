-- KEYS: meta, changes. ARGV: generation, run, most changes that are kept; then the number of conditions, each a key, a field
-- (empty for a string), and what must be there behind `=`, or `-` for nothing; then the number of writes, each its length and its
-- words; then the number of changes, each its kind and its text.
local refused = refusal(ARGV[1], ARGV[2], 0)
if refused then return {refused} end
local at = 4
local function take()
  at = at + 1
  return ARGV[at - 1]
end
for _ = 1, tonumber(take()) do
  local key, field, expected = take(), take(), take()
  local found
  if field == '' then found = redis.call('GET', key) else found = redis.call('HGET', key, field) end
  local is_so
  if expected == '-' then is_so = not found else is_so = found == string.sub(expected, 2) end
  if not is_so then return {'conflict'} end
end
for _ = 1, tonumber(take()) do
  local words = {}
  for index = 1, tonumber(take()) do words[index] = take() end
  redis.call(unpack(words))
end
local seq = redis.call('HGET', KEYS[1], 'seq')
for _ = 1, tonumber(take()) do
  local kind, record = take(), take()
  seq = text(publish(KEYS[2], ARGV[1], ARGV[3], 'k', kind, 'r', record))
end
return {'done', seq, text(clock())}
