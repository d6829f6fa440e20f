/** What the thread is given. */
export interface LeaseWorkerData {
  readonly kind: 'pg' | 'mysql2' | 'ioredis';
  /** Where the driver is. */
  readonly driverPath: string;
  readonly connection: Readonly<Record<string, unknown>>;
  /** SQL, or the name of a command of Redis. */
  readonly statement: string;
  readonly values: readonly (string | number)[];
  /** Between renewals, and after one that failed; in ms. */
  readonly interval: number;
  readonly retryInterval: number;
}

interface DriverConnection {
  query(statement: string, values: unknown[]): Promise<unknown>;
  end(): Promise<unknown>;
}

type Thread = Pick<typeof import('node:worker_threads'), 'parentPort'> & {
  readonly workerData: LeaseWorkerData;
};

interface Driver {
  Client: new (options: object) => SqlConnection & { connect(): Promise<unknown> };
  createConnection(options: object): Promise<SqlConnection>;
  Redis: new (options: object) => RedisConnection;
  Cluster: new (nodes: unknown, options: unknown) => RedisConnection;
}

interface SqlConnection extends DriverConnection {
  on(event: 'error', listener: () => void): this;
}

interface RedisConnection {
  on(event: 'error', listener: () => void): this;
  connect(): Promise<unknown>;
  call(command: string, ...values: unknown[]): Promise<unknown>;
  disconnect(): void;
}

/**
 * Renews a lease on a connection of its own, in a thread of its own, so that a job that computes without a pause does
 * not lose it. Handed to the thread as text, so it stands for itself: it uses nothing of this file but types and `connectLease`.
 */
export function keepLease(connect: typeof connectLease): void {
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads') as Thread;
  const { createRequire } = process.getBuiltinModule('node:module');
  const settings = workerData;
  let driver: Driver | undefined;
  let connection: DriverConnection | undefined;
  let timer: NodeJS.Timeout | undefined;

  const drop = (): void => {
    connection?.end().catch(() => undefined);
    connection = undefined;
  };
  const renew = async (loaded: Driver): Promise<void> => {
    connection ??= await connect(settings, loaded, drop);
    await connection.query(settings.statement, [...settings.values]);
  };
  const renewAgain = (pause: number): void => {
    timer = setTimeout(keepOn, pause);
  };
  const keepOn = (): void => {
    // Thrown from here, an error ends the thread, and the main one hears of it.
    driver ??= createRequire(settings.driverPath)(settings.driverPath) as Driver;
    renew(driver).then(
      () => renewAgain(settings.interval),
      () => {
        drop();
        renewAgain(settings.retryInterval);
      },
    );
  };

  parentPort?.once('message', () => {
    clearTimeout(timer);
    const ended = connection?.end() ?? Promise.resolve();
    void ended.catch(() => undefined).then(() => process.exit(0));
  });
  // The lease was renewed just before the thread was started, and to load a driver takes a start some time. A short one
  // may not last until that is done.
  renewAgain(settings.interval < 1_000 ? 0 : settings.interval);
}

/** Its connection, by whichever driver. Handed to the thread as text, too. */
export async function connectLease(
  { kind, connection }: LeaseWorkerData,
  driver: Driver,
  drop: () => void,
): Promise<DriverConnection> {
  if (kind === 'mysql2') return (await driver.createConnection(connection)).on('error', drop);
  if (kind === 'pg') {
    const client = new driver.Client(connection);
    // Before it connects: an error without a listener would end the thread.
    client.on('error', drop);
    await client.connect();
    return client;
  }
  const { nodes, ...options } = connection;
  const redis = nodes ? new driver.Cluster(nodes, options) : new driver.Redis(options);
  redis.on('error', drop);
  await redis.connect();
  return {
    query: (command, values) => redis.call(command, ...values),
    end: () => Promise.resolve(redis.disconnect()),
  };
}
