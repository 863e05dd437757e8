-- Lets readers read and stop streams of one slot.
--
-- KEYS: for each grant the stream's head and readers. ARGV: milliseconds that a grant is kept
-- while the stream is unknown, then for each grant who.
for n = 1, #KEYS / 2 do
  local head, readers = KEYS[2 * n - 1], KEYS[2 * n]
  redis.call('SADD', readers, ARGV[1 + n])
  local left = redis.call('PTTL', head)
  redis.call('PEXPIRE', readers, left > 0 and left or ARGV[1])
end
return 1
