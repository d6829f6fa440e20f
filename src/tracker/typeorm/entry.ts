export { backgroundEntities } from './entities.js';
export {
  createBackgroundTables,
  CreateBackgroundTables,
  dropBackgroundTables,
} from './migration.js';
