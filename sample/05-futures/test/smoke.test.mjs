import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

test('the futures give their values, and the circle raises', async () => {
  const env = { ...process.env, STEP: '100' };
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN], { env });
  const lines = stdout.trim().split('\n');
  assert.deepEqual(lines.slice(0, 5), [
    '3 2 1',
    'true foobar2',
    'rows: 3',
    'counted by a job that was given the future: 3',
    'a chain of jobs on one slot: 1000',
  ]);
  assert.match(lines[5], /^JobDeadlockError: .*SlowService\.embraceBack → SlowService\.embrace/);
});
