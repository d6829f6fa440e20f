/** The value of a future whose job timed out, where `onTimeout: 'value'` asks for one. (PyBackground's `Timeout`.) */
export const Timeout: unique symbol = Symbol.for('nestjs-background.Timeout');
