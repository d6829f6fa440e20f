export { BackgroundDashboardModule, type BackgroundDashboardOptions } from './dashboard.module.js';
export { UnguardedDashboardError } from '../errors/setup.errors.js';
