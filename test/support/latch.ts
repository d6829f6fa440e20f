/** A door that a test opens when it wants the code behind it to go on. */
export class Latch {
  readonly opened: Promise<void>;
  open!: () => void;

  constructor() {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }
}

/** So many latches, to be opened one after the other. */
export function latches(count: number): Latch[] {
  return Array.from({ length: count }, () => new Latch());
}
