/** A first-in, first-out list whose both ends cost the same at any length, where `Array.shift` does not. */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined as T;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#compact();
    return item;
  }

  slice(from: number): T[] {
    return this.#items.slice(this.#head + from);
  }

  #compact(): void {
    this.#items = this.slice(0);
    this.#head = 0;
  }
}
