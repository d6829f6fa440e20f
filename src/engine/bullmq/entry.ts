export { bullMqEngine } from './bullmq.engine.js';
export type { BullMqEngineOptions, BullMqPostgresOptions } from './options.js';
