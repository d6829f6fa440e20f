import {
  Table,
  TableColumn,
  TableIndex,
  type DataSource,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { TABLES, type ColumnShape, type IndexShape, type TableShape } from './tables.js';

type PrefixedOptions = { entityPrefix?: string; schema?: string };

/**
 * Creates the tables of `typeOrmTracker()`, for a migration of one's own; to those that an earlier version has made, it
 * adds the columns and indices that they lack, and removes the indices that have gone out of use.
 */
export async function createBackgroundTables(queryRunner: QueryRunner): Promise<void> {
  for (const shape of Object.values(TABLES)) {
    const known = await queryRunner.getTable(pathOf(shape.table, queryRunner));
    if (known) await renew(known, shape, queryRunner);
    else await queryRunner.createTable(tableOf(shape, queryRunner), true);
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

async function renew(table: Table, shape: TableShape, runner: QueryRunner): Promise<void> {
  await addMissingColumns(table, shape, runner);
  const retired = table.indices.filter(({ name }) => shape.retiredIndices?.includes(name!));
  for (const index of retired) await runner.dropIndex(table, index);
  const missing = shape.indices.filter(
    ({ name }) => !table.indices.some((known) => known.name === name),
  );
  for (const index of missing) await runner.createIndex(table, indexOf(index));
}

async function addMissingColumns(
  table: Table,
  { columns }: TableShape,
  runner: QueryRunner,
): Promise<void> {
  const missing = Object.entries(columns).filter(([name]) => !table.findColumnByName(name));
  for (const [name, shape] of missing) {
    await runner.addColumn(table, new TableColumn(columnOf(name, shape, runner)));
  }
}

function tableOf(shape: TableShape, runner: QueryRunner): Table {
  return new Table({
    name: pathOf(shape.table, runner),
    columns: Object.entries(shape.columns).map(([name, column]) => columnOf(name, column, runner)),
    indices: shape.indices.map(indexOf),
  });
}

function indexOf({ name, columns, where }: IndexShape): TableIndex {
  return new TableIndex({ name, where, columnNames: [...columns] });
}

/** In the words of the database, as TypeORM puts those of an entity. */
function columnOf(
  name: string,
  { type, length, nullable = false, primary = false }: ColumnShape,
  runner: QueryRunner,
): { name: string; type: string } {
  const column = { name, length, isNullable: nullable, isPrimary: primary };
  return { ...column, type: dataSourceOf(runner).driver.normalizeType({ type }) };
}

function pathOf(table: string, runner: QueryRunner): string {
  const { entityPrefix = '', schema } = dataSourceOf(runner).options as PrefixedOptions;
  return [schema, `${entityPrefix}${table}`].filter(Boolean).join('.');
}

/** TypeORM 0.3 calls it by another name. */
function dataSourceOf(runner: QueryRunner): DataSource {
  const { dataSource, connection } = runner as { dataSource?: DataSource; connection: DataSource };
  return dataSource ?? connection;
}
