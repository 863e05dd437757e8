-- Ends streams of one slot over their maker's head, each once.
--
-- KEYS: for each stream its head, log and readers.
-- ARGV: the entry of the end, its status, milliseconds that an ended stream is kept; then for
--   each stream who is believed to make it.
-- Returns for each stream its status now and the offset of its log; `absent` if nobody has it.
local entry, status, kept = ARGV[1], ARGV[2], ARGV[3]
local answers = {}
for n = 1, #KEYS / 3 do
  local head, log, readers = KEYS[3 * n - 2], KEYS[3 * n - 1], KEYS[3 * n]
  local known = redis.call('HMGET', head, 'owner', 'top', 'status')
  local now, top = known[3] or 'absent', known[2] or '-1'
  if now == 'streaming' and known[1] == ARGV[3 + n] then
    -- First something that a full Redis allows: after it a script may write, and an end is small.
    redis.call('PEXPIRE', head, kept)
    now, top = status, string.format('%.0f', tonumber(top) + 1)
    local added = redis.pcall('XADD', log, top .. '-0', 'change', entry)
    if type(added) == 'table' and added.err then -- what is there makes no sense
      redis.call('DEL', log)
      redis.call('XADD', log, top .. '-0', 'change', entry)
    end
    redis.call('HSET', head, 'top', top, 'status', status)
    redis.call('PEXPIRE', log, kept)
    redis.call('PEXPIRE', readers, kept)
  end
  answers[2 * n - 1], answers[2 * n] = now, top
end
return answers
