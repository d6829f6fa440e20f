// Runs a built sample: the first, or the one whose name begins with the argument, as in `npm start 02`.
import { readdirSync } from 'node:fs';

const built = new URL('../dist-samples/', import.meta.url);
const wanted = process.argv[2] ?? '01';
const samples = readdirSync(built).sort();
const sample = samples.find((name) => name.startsWith(wanted));

if (sample) {
  await import(new URL(`${sample}/src/main.js`, built).href);
} else {
  console.error(`There is no sample "${wanted}". There are: ${samples.join(', ')}.`);
  process.exitCode = 1;
}
