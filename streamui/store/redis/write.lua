-- Adds changes to streams of one slot, for the process that makes them.
--
-- KEYS: for each stream its head, log and readers.
-- ARGV: owner, milliseconds that a live stream is kept, and an ended one; then for each stream
--   from    the offset that the writer believes the log to be at; -1 before the first
--   to      the offset that the change leads to
--   status  the stream's status after it
--   entry   the change; empty to create, to look or to keep alive
--   whole   the value as it is then, which makes all earlier entries needless; mostly empty
--   marks   r: the entry replaces the value; k: keep it alive for longer
-- Returns for each stream what came of it and the offset of the log now:
--   ok; at: the log is at another offset, write from there; taken: it is another's;
--   done, error, cancelled, interrupted: it has ended; anything else: Redis' own error.
local owner, live, kept = ARGV[1], ARGV[2], ARGV[3]
local answers = {}
for n = 1, #KEYS / 3 do
  local head, log, readers = KEYS[3 * n - 2], KEYS[3 * n - 1], KEYS[3 * n]
  local from, to, status, entry, whole, marks = unpack(ARGV, 6 * n - 2, 6 * n + 3)
  local known = redis.call('HMGET', head, 'owner', 'top', 'status')
  local top = known[2] or '-1'
  local answer = 'ok'
  if known[1] and known[1] ~= owner then
    answer = 'taken'
  elseif known[1] and known[3] ~= 'streaming' then
    answer = known[3]
  elseif top ~= from then
    answer = 'at'
  else
    local opens = top == '-1' or top == '0'
    if top == '-1' and redis.call('EXISTS', log) == 1 then
      redis.call('DEL', log) -- its head was evicted
    end
    local added = true
    if entry ~= '' then
      local id = to .. '-0'
      if opens or string.find(marks, 'r', 1, true) then
        added = redis.pcall('XADD', log, 'MINID', '=', id, id, 'change', entry)
      else
        added = redis.pcall('XADD', log, 'NOMKSTREAM', id, 'change', entry)
      end
      if added and type(added) ~= 'table' and whole ~= '' then
        redis.call('XADD', log, 'MINID', '=', to .. '-1', to .. '-1', 'change', whole)
      end
    end
    if added and (entry ~= '' or top == '-1') and not (type(added) == 'table' and added.err) then
      added = redis.pcall('HSET', head, 'owner', owner, 'top', to, 'status', status)
    end
    if not added then
      redis.call('DEL', head) -- the log was evicted: all of it must be written again
      answer, top = 'at', '-1'
    elseif type(added) == 'table' and added.err then
      answer = added.err
    else
      top = to
      local time = nil
      if status ~= 'streaming' then
        time = kept
      elseif opens or string.find(marks, 'k', 1, true) then
        time = live
      end
      if time then
        redis.call('PEXPIRE', head, time)
        redis.call('PEXPIRE', log, time)
        redis.call('PEXPIRE', readers, time)
      end
    end
  end
  answers[2 * n - 1], answers[2 * n] = answer, top
end
return answers
