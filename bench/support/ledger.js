import { EntitySchema } from 'typeorm';

/** What each job inserts one row into. */
export const Ledger = new EntitySchema({
  name: 'Ledger',
  tableName: 'ledger',
  columns: {
    id: { type: 'integer', primary: true, generated: 'increment' },
    job: { type: 'text' },
  },
});
