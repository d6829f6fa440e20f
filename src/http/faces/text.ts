import { outputEvents } from '../../output/transcript.js';
import { gathered, type LiveWriter } from './live-writer.js';

/** The output alone, byte for byte. */
export function textWriter(): LiveWriter {
  return {
    ...{ pace: 60, beat: '', open: () => '', close: () => '' },
    step: ({ page }) => gathered(outputEvents(page).map(({ text }) => text)),
  };
}
