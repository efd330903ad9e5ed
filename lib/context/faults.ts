import { TinyMlsError, type ErrorCode, type ErrorDetails } from "../errors.js";

interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

// By the numbers of native/core/fault.h, in the words of a Context.
const refusals: readonly Refusal[] = [
  { code: "internal", message: "an unknown native fault", details: { fatal: true } },
  { code: "internal", message: "the cryptographic library failed; the Context is closed", details: { fatal: true } },
  { code: "usage", message: "an argument has the wrong type or length" },
  { code: "config", message: "this OpenSSL does not offer the algorithm" },
  { code: "malformed", message: "this is no frame" },
  { code: "invalid", message: "the frame is of another suite", details: { rule: "suite" } },
  { code: "undecryptable", message: "decryption or authentication failed" },
  { code: "expired", message: "the key is erased, or its time to seal has passed" },
  { code: "closed", message: "the Context is closed" },
  { code: "exhausted", message: "a limit of use is reached" },
  { code: "invalid", message: "the frame was seen before", details: { rule: "replay" } },
  { code: "invalid", message: "the frame is beyond the limits of following", details: { rule: "ahead" } },
  { code: "internal", message: "no memory, or no locked memory where strict memory is asked for" },
  {
    code: "internal",
    message: "the random number generator failed its health check; the Context is closed",
    details: { fatal: true },
  },
  { code: "missing", message: "the epoch of this frame has not reached this machine yet" },
];
const usageFault = 2;

/** The code that a native fault stands for. */
export function faultCode(fault: number): ErrorCode {
  return (refusals[fault] ?? refusals[0]!).code;
}

/**
 * The error of a negative answer of the addon. `explain` says what is wrong with the arguments, where they are.
 */
export function contextError(answer: number, operation: string, explain?: () => string | undefined): TinyMlsError {
  const { code, message, details } = refusals[-answer] ?? refusals[0]!;
  const said = (answer === -usageFault ? explain?.() : undefined) ?? message;
  return new TinyMlsError(code, `${operation}: ${said}`, { ...details, operation, component: "context" });
}

export function checked(answer: number, operation: string): number {
  if (answer >= 0) return answer;
  throw contextError(answer, operation);
}
