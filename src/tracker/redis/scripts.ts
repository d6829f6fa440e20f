import { createHash } from 'node:crypto';

/** A program that Redis runs in one piece. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(...parts: string[]): Script {
  const text = parts.join('\n');
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * Puts a job into the indexes, as it is after its change number `rev`. A late one of an earlier change does nothing.
 * `places` keeps where each job is, as [rev, state, name, parent, owner, has a call].
 */
const PLACE = `
local function unplace(base, id, old)
  redis.call('ZREM', base .. ':state:' .. old[2], id)
  redis.call('ZREM', base .. ':owned:' .. old[5], id)
  redis.call('ZREM', base .. ':ended:completed', id)
  redis.call('ZREM', base .. ':ended:failed', id)
end
local function place(base, ttl, args)
  local id, now = args[1], args[2]
  local places = base .. ':places'
  local old = redis.call('HGET', places, id)
  if old then
    old = cjson.decode(old)
    if old[1] >= now[1] then return end
    unplace(base, id, old)
  end
  redis.call('HSET', places, id, cjson.encode(now))
  redis.call('ZADD', base .. ':jobs', 0, id)
  redis.call('ZADD', base .. ':name:' .. now[3], 0, id)
  if now[4] ~= '' then redis.call('ZADD', base .. ':parent:' .. now[4], 0, id) end
  redis.call('ZADD', base .. ':state:' .. now[2], 0, id)
  if now[5] ~= '' then redis.call('ZADD', base .. ':owned:' .. now[5], 0, id) end
  if args[3] then redis.call('ZADD', base .. ':ended:' .. (now[2] == 'completed' and now[2] or 'failed'), args[3], id) end
  for _, key in ipairs({ 'places', 'jobs', 'name:' .. now[3], 'parent:' .. now[4], 'state:' .. now[2],
      'owned:' .. now[5], 'ended:completed', 'ended:failed', 'owners' }) do
    redis.call('PEXPIRE', base .. ':' .. key, ttl)
  end
end
`;

/** Where indexes and job are in one place, one program does both. ARGV[1] is the place, or empty. */
const PLACE_TOO = `
if ARGV[1] ~= '' then place(ARGV[2], ARGV[3], cjson.decode(ARGV[1])) end
`;

export const PLACE_JOB = script(PLACE, PLACE_TOO);

/** KEYS: job. ARGV: place, base, ttl of the indexes, ttl, channel, field, value … */
export const CREATE = script(
  PLACE,
  `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for at = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], '')
`,
  PLACE_TOO,
  'return 1',
);

/**
 * Stores what a change does to the record with the change number that it was worked out for, and to no other. A change that comes twice, since the answer to the first was lost, is done once: it bears a mark.
 * KEYS: job, output. ARGV: place, base, ttl of the indexes, ttl, channel, rev, mark, number of fields, field, value …, field to remove …
 */
export const CHANGE = script(
  PLACE,
  `
local job = redis.call('HMGET', KEYS[1], 'rev', 'mark')
if not job[1] then return nil end
if job[2] ~= ARGV[7] then
  if job[1] ~= ARGV[6] then return { 0 } end
  local at = 9
  for _ = 1, tonumber(ARGV[8]) do
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  for gone = at, #ARGV do redis.call('HDEL', KEYS[1], ARGV[gone]) end
  redis.call('HSET', KEYS[1], 'rev', tonumber(ARGV[6]) + 1, 'mark', ARGV[7])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  redis.call('PUBLISH', ARGV[5], '')
`,
  PLACE_TOO,
  `
end
return { 1, redis.call('HGET', KEYS[1], 'progress') }
`,
);

/** What the running attempt says of itself. KEYS: job. ARGV: attempt, owner, channel, field, value. */
export const REPORT = script(`
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'owner')
if job[1] ~= 'running' or job[2] ~= ARGV[1] or job[3] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
redis.call('PUBLISH', ARGV[3], '')
return 1
`);

/**
 * Output of an attempt that is the current one, or from before the first. What is stored already is skipped, since a
 * batch comes twice where the answer to the first was lost.
 * KEYS: job, output. ARGV: attempt, owner, channel, gap or empty, its first and last, number, kind and text of each chunk …
 */
export const APPEND = script(`
local job = redis.call('HMGET', KEYS[1], 'attempt', 'owner', 'last')
if not job[1] then return 0 end
if ARGV[1] ~= '0' and (job[1] ~= ARGV[1] or job[2] ~= ARGV[2]) then return 0 end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'gap', ARGV[4])
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], ARGV[5] .. '-0', ARGV[6] .. '-0')) do
    redis.call('XDEL', KEYS[2], entry[1])
  end
end
local last = tonumber(job[3] or '0')
for at = 7, #ARGV, 3 do
  local seq = tonumber(ARGV[at])
  if seq > last then
    redis.call('XADD', KEYS[2], ARGV[at] .. '-0', ARGV[at + 1], ARGV[at + 2])
    last = seq
  end
end
redis.call('HSET', KEYS[1], 'last', last)
redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1])))
redis.call('PUBLISH', ARGV[3], '')
return 1
`);

/** Gap and chunks as they are at one moment. KEYS: job, output. ARGV: after. */
export const READ_OUTPUT = script(`
local job = redis.call('HMGET', KEYS[1], 'rev', 'gap')
if not job[1] then return nil end
return { job[2], redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0', '+') }
`);

/** Its owner lives: the job is kept on. KEYS: job, output. ARGV: owner, ttl. */
export const RENEW = script(`
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`);

/** KEYS: places. ARGV: base, id … */
export const UNPLACE = script(
  PLACE,
  `
for at = 2, #ARGV do
  local id = ARGV[at]
  local old = redis.call('HGET', KEYS[1], id)
  if old then
    old = cjson.decode(old)
    unplace(ARGV[1], id, old)
    redis.call('ZREM', ARGV[1] .. ':jobs', id)
    redis.call('ZREM', ARGV[1] .. ':name:' .. old[3], id)
    redis.call('ZREM', ARGV[1] .. ':parent:' .. old[4], id)
    redis.call('DEL', ARGV[1] .. ':parent:' .. id)
    redis.call('HDEL', KEYS[1], id)
  end
end
`,
);

/** How many jobs each index has. KEYS: the indexes. */
export const SIZES = script(`
local sizes = {}
for at, key in ipairs(KEYS) do sizes[at] = redis.call('ZCARD', key) end
return sizes
`);

/** The processes that are no more: nobody has renewed their lease. KEYS: owners. ARGV: the lease of an owner without its name. */
export const DEAD = script(`
local dead = {}
for _, owner in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', ARGV[1] .. owner) == 0 then dead[#dead + 1] = owner end
end
return dead
`);
