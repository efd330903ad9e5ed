import { withMethods } from "../shapes.js";

/**
 * Where structured log lines go: pino's interface, and `console` with a wrapper. Fields never hold key material or plaintext.
 */
export interface Logger {
  /** For those who look for a fault. */
  debug(fields: object, message: string): void;
  /** What happens in the course of things. */
  info(fields: object, message: string): void;
  /** What an operator should look at. */
  warn(fields: object, message: string): void;
  /** What does not work any more. */
  error(fields: object, message: string): void;
}

export const loggerShape = withMethods("a logger with debug, info, warn and error", ["debug", "info", "warn", "error"]);
