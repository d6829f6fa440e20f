/** What the thread is given. */
export interface LeaseWorkerData {
  readonly kind: 'pg' | 'mysql2';
  /** Where the driver is. */
  readonly driverPath: string;
  readonly connection: Readonly<Record<string, unknown>>;
  readonly statement: string;
  readonly owner: string;
  /** Between renewals, and after one that failed; in ms. */
  readonly interval: number;
  readonly retryInterval: number;
}

interface DriverConnection {
  on(event: 'error', listener: () => void): this;
  query(statement: string, values: unknown[]): Promise<unknown>;
  end(): Promise<unknown>;
}

type Thread = Pick<typeof import('node:worker_threads'), 'parentPort'> & {
  readonly workerData: LeaseWorkerData;
};

interface Driver {
  Client: new (options: object) => DriverConnection & { connect(): Promise<unknown> };
  createConnection(options: object): Promise<DriverConnection>;
}

/**
 * Renews a lease on a connection of its own, in a thread of its own, so that a job that computes without a pause does
 * not lose it. Handed to the thread as text, so it stands for itself: it uses nothing of this file but types.
 */
export function keepLease(): void {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads') as Thread;
  const { createRequire } = process.getBuiltinModule('node:module');
  const settings = workerData;
  const driver = createRequire(settings.driverPath)(settings.driverPath) as Driver;
  let connection: DriverConnection | undefined;
  let timer: NodeJS.Timeout | undefined;

  const drop = (): void => {
    connection?.end().catch(() => undefined);
    connection = undefined;
  };
  const connect = async (): Promise<DriverConnection> => {
    const isPg = settings.kind === 'pg';
    const client = isPg ? new driver.Client(settings.connection) : undefined;
    // Before it connects: an error without a listener would end the thread.
    client?.on('error', drop);
    await client?.connect();
    return client ?? (await driver.createConnection(settings.connection)).on('error', drop);
  };
  const renew = async (): Promise<void> => {
    connection ??= await connect();
    await connection.query(settings.statement, [settings.owner]);
  };
  const renewAgain = (pause: number): void => {
    timer = setTimeout(() => void keepOn(), pause);
  };
  const keepOn = (): Promise<void> =>
    renew().then(
      () => renewAgain(settings.interval),
      () => {
        drop();
        renewAgain(settings.retryInterval);
      },
    );

  parentPort?.once('message', () => {
    clearTimeout(timer);
    const ended = connection?.end() ?? Promise.resolve();
    void ended.catch(() => undefined).then(() => process.exit(0));
  });
  void keepOn();
}
