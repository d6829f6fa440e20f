const COMPANION = 'nestjs-background:companion-of';

/** Marks a handler as the GET at which jobs of another one (POST, say) are watched. */
export function markCompanion(handler: Function, of: string): void {
  Reflect.defineMetadata(COMPANION, of, handler);
}

/** The name of the handler whose jobs are watched here. */
export function companionOf(handler: Function): string | undefined {
  return Reflect.getMetadata(COMPANION, handler) as string | undefined;
}
