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

/** ARGV: place, base, ttl of the indexes. */
export const PLACE_JOB = script(PLACE, 'place(ARGV[2], ARGV[3], cjson.decode(ARGV[1]))');

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
 * Creates and changes several jobs, and keeps the indexes in line where those are in the same place: each index is
 * written to once for all of them. A change is stored with the change number that it was worked out for, and with no
 * other; one that comes twice, since the answer to the first was lost, is done once: it bears a mark. The indexes are
 * written to again then, since the first may have ended at a job that it stumbled over.
 * KEYS: jobs. ARGV: this process, inboxes, base of the indexes or empty, their ttl, a step for each job.
 * A step is JSON: [id, ttl, place, end or 0, fields], and for a change [rev, mark, gone fields, whether progress is
 * gone, state before, owner before].
 */
export const STEPS = script(
  TELL,
  `
local me, inbox, base, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local added, removed, touched, places, placed, created = {}, {}, {}, {}, {}, 0
local function note(lists, index, one, other)
  local list = lists[index]
  if not list then
    list = {}
    lists[index] = list
  end
  list[#list + 1] = one
  list[#list + 1] = other
end
local function move(prefix, id, from, to)
  if from == to then
    if to ~= '' then touched[prefix .. to] = true end
    return
  end
  if from ~= '' then note(removed, prefix .. from, id) end
  if to ~= '' then note(added, prefix .. to, 0, id) end
end
local function list(id, now)
  note(added, 'jobs', 0, id)
  note(added, 'name:' .. now[3], 0, id)
  if now[4] ~= '' then note(added, 'parent:' .. now[4], 0, id) end
end
local function place(id, now, ending, state, owner)
  if base == '' then return end
  places[#places + 1] = id
  places[#places + 1] = cjson.encode(now)
  placed[#placed + 1] = { id, now }
  touched['name:' .. now[3]] = true
  if now[4] ~= '' then touched['parent:' .. now[4]] = true end
  move('state:', id, state, now[2])
  move('owned:', id, owner, now[5])
  if state == 'completed' or state == 'failed' or state == 'cancelled' then
    note(removed, 'ended:completed', id)
    note(removed, 'ended:failed', id)
  end
  if ending ~= 0 then
    note(added, now[2] == 'completed' and 'ended:completed' or 'ended:failed', ending, id)
  end
end
local function create(key, step)
  local rev = redis.call('HGET', key, 'rev')
  if rev and rev ~= '1' then return 0 end
  if not rev then
    redis.call('HSET', key, 'caller', me, unpack(step[5]))
    redis.call('PEXPIRE', key, step[2])
    created = created + 1
  end
  if base ~= '' then list(step[1], step[3]) end
  place(step[1], step[3], step[4], '', '')
  return 1
end
local function change(key, step)
  local job = redis.call('HMGET', key, 'rev', 'mark', 'progress', 'last', 'caller')
  if not job[1] then return false end
  if job[2] == step[7] then
    place(step[1], step[3], step[4], step[10], step[11])
    return { 1, job[3] }
  end
  if job[1] ~= step[6] then return { 0 } end
  redis.call('HSET', key, unpack(step[5]))
  redis.call('HDEL', key, unpack(step[8]))
  redis.call('PEXPIRE', key, step[2])
  if job[4] then redis.call('PEXPIRE', key .. ':output', step[2]) end
  tell(key, step[1], me, inbox, job[5])
  place(step[1], step[3], step[4], step[10], step[11])
  return { 1, not step[9] and job[3] }
end
local answers = {}
for at, key in ipairs(KEYS) do
  local step = cjson.decode(ARGV[4 + at])
  answers[at] = (step[6] and change or create)(key, step)
end
if #places == 0 then return answers end
local found = redis.call('HSET', base .. ':places', unpack(places))
if found > created then
  -- The indexes were lost.
  for _, one in ipairs(placed) do
    local id, now = one[1], one[2]
    list(id, now)
    note(added, 'state:' .. now[2], 0, id)
    if now[5] ~= '' then note(added, 'owned:' .. now[5], 0, id) end
  end
end
for index, ids in pairs(removed) do redis.call('ZREM', base .. ':' .. index, unpack(ids)) end
for index, scores in pairs(added) do
  redis.call('ZADD', base .. ':' .. index, unpack(scores))
  touched[index] = true
end
for _, index in ipairs({ 'places', 'jobs', 'owners' }) do touched[index] = true end
for index in pairs(touched) do redis.call('PEXPIRE', base .. ':' .. index, ttl) end
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

/** Takes jobs out of the indexes, each of which is written to once for all of them. */
const UNPLACE_ALL = `
local function unplaceAll(places, base, ids)
  local removed = {}
  local function note(index, id)
    removed[index] = removed[index] or {}
    table.insert(removed[index], id)
  end
  local children = {}
  for at, old in ipairs(redis.call('HMGET', places, unpack(ids))) do
    local id = ids[at]
    children[at] = base .. ':parent:' .. id
    if old then
      old = cjson.decode(old)
      note('jobs', id)
      note('name:' .. old[3], id)
      note('parent:' .. old[4], id)
      note('state:' .. old[2], id)
      note('owned:' .. old[5], id)
      note('ended:completed', id)
      note('ended:failed', id)
    end
  end
  for index, gone in pairs(removed) do redis.call('ZREM', base .. ':' .. index, unpack(gone)) end
  redis.call('HDEL', places, unpack(ids))
  redis.call('DEL', unpack(children))
end
`;

/** KEYS: places. ARGV: base, id … */
export const UNPLACE = script(
  UNPLACE_ALL,
  `
local base = table.remove(ARGV, 1)
unplaceAll(KEYS[1], base, ARGV)
`,
);

/** Removes jobs without a trace, where the indexes are in the same place. KEYS: places, job … ARGV: base, id … */
export const FORGET = script(
  UNPLACE_ALL,
  `
local base = table.remove(ARGV, 1)
local places = table.remove(KEYS, 1)
for _, key in ipairs(KEYS) do
  redis.call('DEL', key, key .. ':output')
  redis.call('PUBLISH', key .. ':news', '')
end
unplaceAll(places, base, ARGV)
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
