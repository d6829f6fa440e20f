/**
 * Runs something while a timer ticks; gives the longest time, in ms, that the event loop stood still.
 * `enough` is fulfilled when it has ticked so often that a second connection would have blocked it meanwhile.
 */
export async function ticking(work: (enough: Promise<void>) => Promise<void>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  let ticks = 0;
  let hasEnough = (): void => {};
  const enough = new Promise<void>((resolve) => (hasEnough = resolve));
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (++ticks === 20) hasEnough();
  }, 5);
  try {
    await work(enough);
  } finally {
    clearInterval(timer);
  }
  return Math.max(longest, performance.now() - last);
}
