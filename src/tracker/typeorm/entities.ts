import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { TABLES, type ColumnShape, type TableShape } from './tables.js';

/**
 * The tables of `typeOrmTracker()`, for the `entities` of a DataSource: TypeORM then generates their migration with the
 * application's own.
 * @example TypeOrmModule.forRoot({ …, entities: [User, ...backgroundEntities] })
 */
export const backgroundEntities: readonly EntitySchema[] = Object.values(TABLES).map(entityOf);

function entityOf(shape: TableShape): EntitySchema {
  return new EntitySchema<Record<string, unknown>>({
    name: shape.entity,
    tableName: shape.table,
    columns: Object.fromEntries(
      Object.entries(shape.columns).map(([name, column]) => [name, columnOf(name, column)]),
    ),
    indices: shape.indices.map((index) => ({ ...index, columns: [...index.columns] })),
  });
}

function columnOf(name: string, shape: ColumnShape): EntitySchemaColumnOptions {
  return { ...shape, name };
}
