import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { TABLES, type ColumnShape, type TableShape } from './tables.js';

/**
 * The tables of `typeOrmTracker()`, for the `entities` of a DataSource: TypeORM then generates their migration with the
 * application's own.
 * @example TypeOrmModule.forRoot({ …, entities: [User, ...backgroundEntities] })
 */
export const backgroundEntities: readonly EntitySchema[] = Object.values(TABLES).map(entityOf);

function entityOf({ entity, table, columns, indices }: TableShape): EntitySchema {
  return new EntitySchema<Record<string, unknown>>({
    name: entity,
    tableName: table,
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, shape]) => [name, columnOf(name, shape)]),
    ),
    indices: Object.entries(indices).map(([name, indexed]) => ({ name, columns: [...indexed] })),
  });
}

function columnOf(name: string, shape: ColumnShape): EntitySchemaColumnOptions {
  return { ...shape, name };
}
