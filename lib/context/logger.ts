/**
 * Where structured log lines go: pino's interface, and `console` with a wrapper. Fields never hold key material or plaintext.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
