import type { ErrorCode, TinyMlsError } from "../errors.js";
import { native, octetsOf } from "./addon.js";
import type { Logger } from "./logger.js";

const reasons = ["requested", "schedule", "limit", "followed"] as const;

/** Why an epoch began: `rotateKey`, its time had come, a limit of use, or a peer's frame named it. */
export type RotationReason = (typeof reasons)[number];

export interface RotateEvent {
  readonly epoch: number;
  readonly reason: RotationReason;
}

/** The last frames of this epoch expired. */
export interface ExpireEvent {
  readonly epoch: number;
}

/** A frame was refused: `undecryptable`, `malformed`, or `invalid` with the rule `suite`, `replay` or `ahead`. */
export interface SecurityEvent {
  readonly code: ErrorCode;
  readonly rule: string | undefined;
  readonly operation: string;
  readonly error: TinyMlsError;
}

/** The codes that make a SecurityEvent. */
export const securityCodes: ReadonlySet<ErrorCode> = new Set(["undecryptable", "invalid", "malformed"]);

export type ContextEvents = {
  rotate: [RotateEvent];
  expire: [ExpireEvent];
  security: [SecurityEvent];
  error: [TinyMlsError];
  close: [];
};

export type KeyringEvent =
  | { readonly kind: "rotate"; readonly epoch: number; readonly reason: RotationReason }
  | { readonly kind: "expire"; readonly epoch: number }
  | { readonly kind: "close"; readonly epoch: number; readonly fault: number };

const maxEvents = 64;
const fields = 3;
const numbers = new Float64Array(maxEvents * fields);
const octets = octetsOf(numbers);

/** What happened to a key ring since the last call of this thread. */
export function fetchEvents(handle: number): KeyringEvent[] {
  const count = native.contextEvents(handle, octets);
  const events: KeyringEvent[] = [];
  for (let i = 0; i < count; ++i) {
    const [kind, detail, epoch] = numbers.subarray(i * fields, (i + 1) * fields) as unknown as [number, number, number];
    if (kind === 0) events.push({ kind: "rotate", epoch, reason: reasons[detail] ?? "requested" });
    else if (kind === 1) events.push({ kind: "expire", epoch });
    else events.push({ kind: "close", epoch, fault: detail });
  }
  return events;
}

/** Log lines of one Context. Refused frames come from outside, so that their lines are at most one a second. */
export class SecurityLog {
  readonly #logger: Logger;
  readonly #context: string | undefined;
  #quietUntil = 0;
  #suppressed = 0;

  constructor(logger: Logger, context: string | undefined) {
    this.#logger = logger;
    this.#context = context;
  }

  event(event: KeyringEvent): void {
    const { kind, ...rest } = event;
    this.#logger.info({ component: "context", context: this.#context, event: kind, ...rest }, `context ${kind}`);
  }

  refused({ code, rule, operation }: TinyMlsError): void {
    const now = performance.now();
    if (now < this.#quietUntil) {
      ++this.#suppressed;
      return;
    }
    const fields = { component: "context", context: this.#context, event: "security", code, rule, operation };
    this.#logger.warn({ ...fields, suppressed: this.#suppressed }, "frame refused");
    this.#quietUntil = now + 1000;
    this.#suppressed = 0;
  }

  error({ code, operation, message }: TinyMlsError): void {
    this.#logger.error({ component: "context", context: this.#context, event: "error", code, operation }, message);
  }
}
