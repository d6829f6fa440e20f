import { parseArgs } from 'node:util';
import { newCrashDatabase } from './crash-database.mjs';
import { crashRun } from './crash-run.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    engine: { type: 'string', default: 'local' },
    restarts: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '30000' },
  },
});
const server = process.env.PG_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const database = await newCrashDatabase(server);
try {
  const result = await crashRun({
    ...{ url: database.url, kills: Number(values.kills), jobs: Number(values.jobs) },
    engine: /** @type {any} */ (values.engine),
    ...{ restarts: Number(values.restarts) },
    report: (line) => console.log(line),
  });
  console.log(result);
  const isRight =
    result.completed === result.jobs && result.rows === result.jobs && result.doubled === 0;
  process.exitCode = isRight ? 0 : 1;
} finally {
  await database.drop();
}
