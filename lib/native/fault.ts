import { TinyMlsError, type ErrorCode, type ErrorDetails } from "../errors.js";

interface FaultMeaning {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

// By the numbers of native/core/fault.h.
const meanings: readonly (FaultMeaning | undefined)[] = [
  undefined,
  { code: "internal", message: "a native operation failed that cannot fail on valid input" },
  { code: "usage", message: "an argument has the wrong type, length or range, or names an object that is disposed" },
  { code: "config", message: "this OpenSSL does not offer the algorithm" },
  { code: "malformed", message: "the encoding cannot be read" },
  { code: "invalid", message: "the value is refused" },
  { code: "undecryptable", message: "decryption or authentication failed" },
  { code: "expired", message: "the key is erased" },
  { code: "closed", message: "the object is closed" },
  { code: "exhausted", message: "a limit of use is reached" },
  { code: "invalid", message: "seen before", details: { rule: "replay" } },
  { code: "invalid", message: "too far ahead", details: { rule: "ahead" } },
  { code: "internal", message: "no memory, or no locked memory where strict memory is asked for" },
  { code: "internal", message: "the random number generator failed its health check", details: { fatal: true } },
  { code: "missing", message: "what it needs has not come yet" },
];

/** The error that a negative answer of the addon stands for. */
export function faultError(answer: number, operation: string): TinyMlsError {
  const { code, message, details } = meanings[-answer] ?? meanings[1]!;
  return new TinyMlsError(code, `${operation}: ${message}`, { ...details, operation, component: "native" });
}

/**
 * The answer of a native function, or the error that it stands for.
 *
 * @param operation what the caller asked for, as the caller knows it: `aead.open`
 * @throws TinyMlsError for a negative answer
 */
export function check(answer: number, operation: string): number {
  if (answer >= 0) return answer;
  throw faultError(answer, operation);
}

/** The error for an argument that is refused before it reaches the addon. */
export function usage(operation: string, message: string): TinyMlsError {
  return new TinyMlsError("usage", `${operation}: ${message}`, { operation, component: "native" });
}
