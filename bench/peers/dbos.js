import { DBOS } from '@dbos-inc/dbos-sdk';
import { CONCURRENCY } from '../support/application.js';
import { openLedger } from '../support/postgres.js';

/** A workflow of one step, so many at once: without its queue, which asks for new work once a second. */
export async function start({ url }) {
  const ledger = await openLedger(url);
  const enter = () => DBOS.runStep(() => ledger.enter(DBOS.workflowID), { name: 'enter' });
  const workflow = DBOS.registerWorkflow(enter, { name: 'enter' });
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: url,
    systemDatabasePoolSize: CONCURRENCY,
    runAdminServer: false,
    logLevel: 'error',
  });
  await DBOS.launch();
  return {
    async run(count) {
      let left = count;
      const work = async () => {
        while (left-- > 0) await workflow();
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
    },
    async close() {
      await DBOS.shutdown();
      await ledger.close();
    },
  };
}
