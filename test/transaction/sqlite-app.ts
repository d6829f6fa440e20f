import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { getDataSourceToken, InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import Sqlite from 'better-sqlite3';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';
import type { BetterSqlite3DataSourceOptions } from 'typeorm/driver/better-sqlite3/BetterSqlite3DataSourceOptions.js';
import { Background } from '../../src/index.js';
import { Latch } from '../support/latch.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/test-app.js';

@Entity()
export class Note {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  text!: string;
}

type Work = (notes: Repository<Note>) => Promise<unknown>;

/** A job that does what the test says, with an injected repository. */
@Injectable()
export class Notes {
  constructor(@InjectRepository(Note) readonly repository: Repository<Note>) {}

  @Background()
  async run(work: Work): Promise<unknown> {
    return work(this.repository);
  }

  @Background({ transaction: false })
  async runBare(work: Work): Promise<unknown> {
    return work(this.repository);
  }

  save(text: string): Promise<Note> {
    return this.repository.save({ text });
  }

  async texts(): Promise<string[]> {
    const found = await this.repository.find({ order: { id: 'ASC' } });
    return found.map(({ text }) => text);
  }
}

/** A job that writes and then stays in its transaction until it is told to go on. */
export interface HeldJob {
  readonly over: Promise<unknown>;
  goOn(): void;
}

/** Gives it once it has written. */
export async function holdingJob(notes: Notes, text = 'job', then?: Work): Promise<HeldJob> {
  const [written, gate] = [new Latch(), new Latch()];
  const over = notes.run(async (repository) => {
    await repository.save({ text });
    written.open();
    await gate.opened;
    return then?.(repository);
  });
  await written.opened;
  return { over, goOn: gate.open };
}

const folders = new Set<string>();

/** The path of a database file that is not there yet; removed by `removeFiles`. */
export function freshFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'background-sqlite-'));
  folders.add(folder);
  return join(folder, 'test.sqlite');
}

export function removeFiles(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

export type SqliteOptions = Partial<Omit<BetterSqlite3DataSourceOptions, 'type'>>;

export interface SqliteApp extends TestApp {
  readonly notes: Notes;
  readonly dataSource: DataSource;
  readonly file: string;
}

/** An application with its notes in a file, or wherever the options say. */
export async function startSqliteApp(
  options: SqliteOptions = {},
  rest: TestAppOptions = {},
): Promise<SqliteApp> {
  const file = String(options.database ?? freshFile());
  const root = TypeOrmModule.forRoot({
    type: 'better-sqlite3',
    enableWAL: true,
    synchronize: true,
    entities: [Note],
    retryAttempts: 0,
    ...options,
    database: file,
  });
  return appOn(root, file, rest);
}

/** The same on sql.js, which has one connection, in memory. */
export async function startSqlJsApp(
  options: { location?: string; autoSave?: boolean } = {},
  rest: TestAppOptions = {},
): Promise<SqliteApp> {
  const root = TypeOrmModule.forRoot({
    type: 'sqljs',
    synchronize: true,
    entities: [Note],
    retryAttempts: 0,
    ...options,
  });
  return appOn(root, options.location ?? '', rest);
}

type TypeOrmRoot = ReturnType<typeof TypeOrmModule.forRoot>;

async function appOn(root: TypeOrmRoot, file: string, rest: TestAppOptions): Promise<SqliteApp> {
  const app = await startApp({
    ...rest,
    imports: [root, TypeOrmModule.forFeature([Note]), ...(rest.imports ?? [])],
    providers: [Notes, ...(rest.providers ?? [])],
  });
  const dataSource = app.app.get<DataSource>(getDataSourceToken());
  return Object.assign(app, { notes: app.get(Notes), dataSource, file });
}

/** What another process would see in the file. */
export function committed(file: string): string[] {
  if (!existsSync(file)) return [];
  const other = new Sqlite(file, { readonly: true });
  try {
    const rows = other.prepare('SELECT text FROM note ORDER BY id').all() as Note[];
    return rows.map(({ text }) => text);
  } finally {
    other.close();
  }
}
