// A process whose one job prints what time it is, again and again. The clock is the machine's, the same for all processes.
import { setTimeout as wait } from 'node:timers/promises';
import { print } from '../../dist/index.js';
import { inBackground, startApplication } from './application.js';
import { SHARED } from './shared-tracker.js';

class Jobs {
  async tell(lines, pause) {
    for (let line = 0; line < lines; line++) {
      await wait(pause);
      print(String(process.hrtime.bigint()));
    }
  }
}
inBackground(Jobs, 'tell');

const [kind, where] = process.argv.slice(2);
const { imports, options } = SHARED[kind](JSON.parse(where));
const { jobs, close } = await startApplication(Jobs, options, imports);
process.on('message', async ({ lines, pause }) => {
  const job = jobs.tell(lines, pause);
  await job.accepted;
  process.send(job.id);
  await job;
  await close();
  process.disconnect();
});
process.send('ready');
