import { expect, it } from '@jest/globals';
import type { JobEvent } from '../../src/index.js';
import { newJobId } from '../../src/job/job-id.js';
import type { JobRecord } from '../../src/job/job.js';
import { eventsOf } from '../../src/tracker/follow-job.js';

const queued: JobRecord = {
  ...{ id: newJobId(), name: 'Reports.build', createdAt: 0, state: 'queued', attempt: 0 },
  ...{ parentId: undefined, origin: undefined, startedAt: undefined, finishedAt: undefined },
  ...{ progress: null, result: undefined, error: undefined },
};
const running: JobRecord = { ...queued, state: 'running', attempt: 1, startedAt: 1 };
const chunk = { seq: 1, text: 'a line\n', stream: 'stdout' } as const;
const page = { chunks: [chunk], gap: undefined, last: 1 };

function inShort(event: JobEvent): string {
  return event.type === 'state' ? event.state : event.type;
}

it('A follower is told that an attempt begins before what it prints and reports, and of its end after that', () => {
  const begun: JobRecord = { ...running, progress: { value: 50, data: null } };
  const beginning = eventsOf({ record: begun, page, seen: queued });
  expect(beginning.map(inShort)).toEqual(['running', 'output', 'progress']);
  for (const state of ['scheduled', 'completed', 'failed'] as const) {
    const ending = eventsOf({ record: { ...begun, state }, page, seen: running });
    expect(ending.map(inShort)).toEqual(['output', 'progress', state]);
  }
});
