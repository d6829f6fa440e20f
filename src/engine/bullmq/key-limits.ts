/**
 * How many jobs of a key run, counted over all processes. Who holds a place renews it; the place of a process that is
 * no more is free after a while.
 */
export interface KeyLimits {
  /** Takes one of so many places, unless all are taken. Whoever has one keeps it. */
  take(key: string, places: number, holder: string): Promise<boolean>;
  /** Takes a place whether or not one is free. */
  force(key: string, holder: string): Promise<void>;
  leave(key: string, holder: string): Promise<void>;
}
