import { Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { TABLES, type ColumnShape, type TableShape } from './tables.js';

type PrefixedOptions = { entityPrefix?: string; schema?: string };

/** Creates the tables of `typeOrmTracker()` where they are not there, for a migration of one's own. */
export async function createBackgroundTables(queryRunner: QueryRunner): Promise<void> {
  for (const shape of Object.values(TABLES)) {
    await queryRunner.createTable(tableOf(shape, queryRunner), true);
  }
}

/** Removes the tables of `typeOrmTracker()`, and every job with them. */
export async function dropBackgroundTables(queryRunner: QueryRunner): Promise<void> {
  for (const { table } of Object.values(TABLES).toReversed()) {
    await queryRunner.dropTable(pathOf(table, queryRunner), true);
  }
}

/**
 * The migration that creates the tables of `typeOrmTracker()`, on every kind of database that it knows.
 * @example TypeOrmModule.forRoot({ …, migrations: [CreateBackgroundTables, …], migrationsRun: true })
 */
export class CreateBackgroundTables implements MigrationInterface {
  // TypeORM orders migrations by the number at the end of their names.
  readonly name = 'CreateBackgroundTables1767225600000';

  up(queryRunner: QueryRunner): Promise<void> {
    return createBackgroundTables(queryRunner);
  }

  down(queryRunner: QueryRunner): Promise<void> {
    return dropBackgroundTables(queryRunner);
  }
}

function tableOf({ table, columns, indices }: TableShape, runner: QueryRunner): Table {
  return new Table({
    name: pathOf(table, runner),
    columns: Object.entries(columns).map(([name, shape]) => columnOf(name, shape, runner)),
    indices: Object.entries(indices).map(
      ([name, columnNames]) => new TableIndex({ name, columnNames: [...columnNames] }),
    ),
  });
}

/** In the words of the database, as TypeORM puts those of an entity. */
function columnOf(
  name: string,
  { type, length, nullable = false, primary = false }: ColumnShape,
  { dataSource }: QueryRunnerParts,
): { name: string; type: string } {
  const column = { name, length, isNullable: nullable, isPrimary: primary };
  return { ...column, type: dataSource.driver.normalizeType({ type }) };
}

function pathOf(table: string, { dataSource }: QueryRunnerParts): string {
  const { entityPrefix = '', schema } = dataSource.options as PrefixedOptions;
  return [schema, `${entityPrefix}${table}`].filter(Boolean).join('.');
}

type QueryRunnerParts = Pick<QueryRunner, 'dataSource'>;
