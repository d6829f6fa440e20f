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

/** Puts a job into the indexes: `now` is [rev, state, name, parent, owner, has a call]. */
const PLACE = `
local function place(base, ttl, id, now, ending)
  redis.call('HSET', base .. ':places', id, cjson.encode(now))
  redis.call('ZADD', base .. ':jobs', 0, id)
  redis.call('ZADD', base .. ':name:' .. now[3], 0, id)
  if now[4] ~= '' then redis.call('ZADD', base .. ':parent:' .. now[4], 0, id) end
  redis.call('ZADD', base .. ':state:' .. now[2], 0, id)
  if now[5] ~= '' then redis.call('ZADD', base .. ':owned:' .. now[5], 0, id) end
  if ending then redis.call('ZADD', base .. ':ended:' .. (now[2] == 'completed' and now[2] or 'failed'), ending, id) end
  for _, key in ipairs({ 'places', 'jobs', 'name:' .. now[3], 'parent:' .. now[4], 'state:' .. now[2],
      'owned:' .. now[5], 'ended:completed', 'ended:failed', 'owners' }) do
    redis.call('PEXPIRE', base .. ':' .. key, ttl)
  end
end
`;

/**
 * In a cluster, where `places` keeps up with each change: puts a job into the indexes, as it is after its change number
 * `rev`. A late one of an earlier change does nothing. ARGV: place, base, ttl of the indexes.
 */
export const PLACE_JOB = script(
  PLACE,
  `
local placing, base, ttl = cjson.decode(ARGV[1]), ARGV[2], ARGV[3]
local id, now = placing[1], placing[2]
local old = redis.call('HGET', base .. ':places', id)
if old then
  old = cjson.decode(old)
  if old[1] >= now[1] then return end
  for _, index in ipairs({ 'state:' .. old[2], 'owned:' .. old[5], 'ended:completed', 'ended:failed' }) do
    redis.call('ZREM', base .. ':' .. index, id)
  end
end
place(base, ttl, id, now, placing[3])
`,
);

/**
 * Takes jobs out of the indexes, wherever they may be: `places` need not know more of them than their names and parents,
 * which do not change.
 */
const UNPLACE_ALL = `
local function unplaceAll(base, ids)
  local places = redis.call('HMGET', base .. ':places', unpack(ids))
  local indexes = { 'jobs', 'ended:completed', 'ended:failed', 'owned:nobody',
    'state:scheduled', 'state:queued', 'state:running', 'state:completed', 'state:failed', 'state:cancelled' }
  for _, owner in ipairs(redis.call('SMEMBERS', base .. ':owners')) do indexes[#indexes + 1] = 'owned:' .. owner end
  for at, id in ipairs(ids) do
    local place = places[at] and cjson.decode(places[at])
    if place then redis.call('ZREM', base .. ':name:' .. place[3], id) end
    if place and place[4] ~= '' then redis.call('ZREM', base .. ':parent:' .. place[4], id) end
  end
  for _, index in ipairs(indexes) do redis.call('ZREM', base .. ':' .. index, unpack(ids)) end
  redis.call('HDEL', base .. ':places', unpack(ids))
end
`;

/**
 * Puts a job where it belongs in the indexes, unless it has changed since. KEYS: job. ARGV: place, base, ttl of the
 * indexes.
 */
export const REPLACE = script(
  PLACE,
  UNPLACE_ALL,
  `
local placing, base, ttl = cjson.decode(ARGV[1]), ARGV[2], ARGV[3]
local id, now = placing[1], placing[2]
if redis.call('HGET', KEYS[1], 'rev') ~= tostring(now[1]) then return end
unplaceAll(base, { id })
place(base, ttl, id, now, placing[3])
`,
);

/**
 * Publishes that there is news of a job: to whoever watches it, and to the process that called it, unless it brings the
 * news itself. That one need not watch: it has an inbox.
 */
const TELL = `
local function tell(key, id, me, inbox, caller)
  redis.call('PUBLISH', key .. ':news', '')
  if caller and caller ~= me then redis.call('PUBLISH', inbox .. caller, id) end
end
`;

/**
 * Creates and changes several jobs, and keeps the indexes in line where those are in the same place, with commands that
 * were worked out by whoever asks: each index is written to once for all jobs. A change is stored with the change number
 * that it was worked out for, and with no other; one that comes twice, since the answer to the first was lost, is done
 * once: it bears a mark. What is not done to a job is not done to the indexes either. An error is the answer for its job
 * alone. The last answer tells whether an index has not had a job that it should.
 * KEYS: jobs. ARGV: this process, inboxes, base of the indexes, and a list as JSON, since many arguments cost more than
 * one: for each job id, ttl, rev or empty, mark, 1 if progress is gone, how many fields and values, how many fields that
 * are gone, these fields and values, those fields; then for each command its name, index, how many values, and these,
 * each of which or each pair of which has an id.
 */
export const STEPS = script(
  TELL,
  `
local me, inbox, base = ARGV[1], ARGV[2], ARGV[3]
local list = cjson.decode(ARGV[4])
local function create(key, ttl, first, last)
  local rev = redis.call('HGET', key, 'rev')
  if rev then return rev == '1' and 1 or 0 end
  redis.call('HSET', key, 'caller', me, unpack(list, first, last))
  redis.call('PEXPIRE', key, ttl)
  return 1
end
local function change(key, at, first, last, lastGone)
  local job = redis.call('HMGET', key, 'rev', 'mark', 'progress', 'activity', 'last', 'caller')
  if job[2] == list[at + 3] then return job[3] or 1 end
  if job[1] ~= list[at + 2] then return 0 end
  local ttl, keepsProgress = list[at + 1], list[at + 4] == 0
  redis.call('HSET', key, unpack(list, first, last))
  if lastGone > last then redis.call('HDEL', key, unpack(list, last + 1, lastGone)) end
  if job[4] then redis.call('HDEL', key, 'activity') end
  if job[3] and not keepsProgress then redis.call('HDEL', key, 'progress') end
  redis.call('PEXPIRE', key, ttl)
  if job[5] then redis.call('PEXPIRE', key .. ':output', ttl) end
  tell(key, list[at], me, inbox, job[6])
  return keepsProgress and job[3] or 1
end
local at, answers, refused, isRefused = 1, {}, {}, false
for which, key in ipairs(KEYS) do
  local first = at + 7
  local last = first + list[at + 5] - 1
  local lastGone = last + list[at + 6]
  local isDone, answer
  if list[at + 2] == '' then
    isDone, answer = pcall(create, key, list[at + 1], first, last)
  else
    isDone, answer = pcall(change, key, at, first, last, lastGone)
  end
  if not isDone and type(answer) ~= 'table' then answer = { err = tostring(answer) } end
  answers[which] = answer
  if not isDone or answer == 0 then
    refused[list[at]] = true
    isRefused = true
  end
  at = lastGone + 1
end
local function done(width, first, last)
  local values = {}
  for each = first, last, width do
    local one, other = list[each], width == 2 and list[each + 1] or nil
    if not refused[one] and not refused[other or one] then
      values[#values + 1] = one
      values[#values + 1] = other
    end
  end
  return values
end
local isLost, all = 0, #list
while at < all do
  local command, index, count = list[at], base .. ':' .. list[at + 1], list[at + 2]
  local first = at + 3
  at = first + count
  if not isRefused then
    local found = redis.call(command, index, unpack(list, first, at - 1))
    if command == 'ZREM' and found < count then isLost = 1 end
  else
    local width = (command == 'ZADD' or command == 'HSET') and 2 or 1
    local values = done(width, first, at - 1)
    if #values > 0 then redis.call(command, index, unpack(values)) end
  end
end
answers[#KEYS + 1] = isLost
return answers
`,
);

/** What the running attempt says of itself. KEYS: job. ARGV: attempt, owner, id, inboxes, field, value. */
export const REPORT = script(
  TELL,
  `
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'owner', 'caller')
if job[1] ~= 'running' or job[2] ~= ARGV[1] or job[3] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[5], ARGV[6])
tell(KEYS[1], ARGV[3], ARGV[2], ARGV[4], job[4])
return 1
`,
);

/**
 * Output of an attempt that is the current one, or from before the first. What is stored already is skipped, since a
 * batch comes twice where the answer to the first was lost.
 * KEYS: job, output. ARGV: attempt, this process, id, inboxes, gap or empty, its first and last, number, kind and text of each chunk …
 */
export const APPEND = script(
  TELL,
  `
local job = redis.call('HMGET', KEYS[1], 'attempt', 'owner', 'last', 'caller')
if not job[1] then return 0 end
if ARGV[1] ~= '0' and (job[1] ~= ARGV[1] or job[2] ~= ARGV[2]) then return 0 end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'gap', ARGV[5])
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], ARGV[6] .. '-0', ARGV[7] .. '-0')) do
    redis.call('XDEL', KEYS[2], entry[1])
  end
end
local last = tonumber(job[3] or '0')
for at = 8, #ARGV, 3 do
  local seq = tonumber(ARGV[at])
  if seq > last then
    redis.call('XADD', KEYS[2], ARGV[at] .. '-0', ARGV[at + 1], ARGV[at + 2])
    last = seq
  end
end
redis.call('HSET', KEYS[1], 'last', last)
redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1])))
tell(KEYS[1], ARGV[3], ARGV[2], ARGV[4], job[4])
return 1
`,
);

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

/** Jobs of which there is nothing but what the indexes say. ARGV: base, id … */
export const UNPLACE = script(
  UNPLACE_ALL,
  `
local base = table.remove(ARGV, 1)
unplaceAll(base, ARGV)
for _, id in ipairs(ARGV) do redis.call('DEL', base .. ':parent:' .. id) end
`,
);

/**
 * Removes jobs without a trace, where the indexes are in the same place. Each index is written to once for all of them.
 * KEYS: job … ARGV: base, id …
 */
export const FORGET = script(
  UNPLACE_ALL,
  `
local base = table.remove(ARGV, 1)
local removed, unknown, gone = {}, {}, {}
local function note(index, id)
  local ids = removed[index]
  if not ids then
    ids = {}
    removed[index] = ids
  end
  ids[#ids + 1] = id
end
for at, key in ipairs(KEYS) do
  local id = ARGV[at]
  local job = redis.call('HMGET', key, 'state', 'name', 'owner', 'parentId')
  if job[1] then
    note('jobs', id)
    note('state:' .. job[1], id)
    note('name:' .. job[2], id)
    if job[3] then note('owned:' .. job[3], id) end
    if job[4] then note('parent:' .. job[4], id) end
    note(job[1] == 'completed' and 'ended:completed' or 'ended:failed', id)
  else
    unknown[#unknown + 1] = id
  end
  gone[#gone + 1] = key
  gone[#gone + 1] = key .. ':output'
  gone[#gone + 1] = base .. ':parent:' .. id
  redis.call('PUBLISH', key .. ':news', '')
end
for index, ids in pairs(removed) do redis.call('ZREM', base .. ':' .. index, unpack(ids)) end
if #unknown > 0 then unplaceAll(base, unknown) end
redis.call('HDEL', base .. ':places', unpack(ARGV))
redis.call('DEL', unpack(gone))
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
