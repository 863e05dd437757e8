-- Lets readers read and stop streams of one slot.
--
-- KEYS: for each grant the stream's head and readers. ARGV: milliseconds that a grant is kept
-- while the stream is unknown, how many readers a stream may have; then for each grant who. Of
-- those that are too many the oldest go.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for n = 1, #KEYS / 2 do
  local head, readers = KEYS[2 * n - 1], KEYS[2 * n]
  redis.call('ZADD', readers, now + n, ARGV[2 + n])
  redis.call('ZREMRANGEBYRANK', readers, 0, -1 - ARGV[2])
  local left = redis.call('PTTL', head)
  redis.call('PEXPIRE', readers, left > 0 and left or ARGV[1])
end
return 1
