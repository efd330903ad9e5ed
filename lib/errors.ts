/**
 * The one error family.
 *
 * Kinds: `malformed`, `invalid`, `undecryptable` (drop the input); `missing`, `conflict`, `storage` (retry);
 * `usage`, `config` (fix the caller); `expired`, `closed`, `exhausted` (renew the state); `internal` (a bug).
 */
export const errorCodes = [
  "malformed",
  "invalid",
  "undecryptable",
  "missing",
  "conflict",
  "storage",
  "usage",
  "config",
  "expired",
  "closed",
  "exhausted",
  "internal",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What an error says beside its message. None of it ever holds key material or plaintext. */
export interface ErrorDetails {
  /** What was asked for, as the caller knows it: `Context.decrypt`, `decode`. */
  readonly operation?: string;
  /** The layer that refused: `native`, `codec`, `context`, `mls`, `storage`, ... */
  readonly component?: string;
  /** The object cannot be used any more. */
  readonly fatal?: boolean;
  /** The same call may succeed later. */
  readonly retryable?: boolean;
  /** The rule that refused, such as `12.2/remove-unique`. */
  readonly rule?: string;
  /** The section that the rule comes from, such as `RFC 9420 §12.2`. */
  readonly section?: string;
  /** Octets from the start of the input. */
  readonly offset?: number;
  /** The field, from the outside in: `MLSMessage.publicMessage.content`. */
  readonly path?: string;
  readonly cause?: unknown;
}

const retryableCodes: ReadonlySet<ErrorCode> = new Set(["missing", "conflict", "storage"]);

/** The one error that the package throws on purpose. */
export class TinyMlsError extends Error {
  readonly code: ErrorCode;
  readonly operation: string | undefined;
  readonly component: string | undefined;
  readonly fatal: boolean;
  readonly retryable: boolean;
  readonly rule: string | undefined;
  readonly section: string | undefined;
  readonly offset: number | undefined;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "TinyMlsError";
    this.code = code;
    this.operation = details.operation;
    this.component = details.component;
    this.fatal = details.fatal ?? false;
    this.retryable = details.retryable ?? retryableCodes.has(code);
    this.rule = details.rule;
    this.section = details.section;
    this.offset = details.offset;
    this.path = details.path;
  }
}
