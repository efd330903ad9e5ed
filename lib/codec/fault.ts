import { TinyMlsError } from "../errors.js";

/** The rules of RFC 9420 that octets can break before anyone knows what they mean. */
export type EncodingRule =
  "2.1/encoding" | "2.1/trailing-octets" | "2.1.1/presence-octet" | "2.1.2/minimal-length" | "6.3.1/padding-zero";

/**
 * A refusal on its way up. Each struct and vector it passes adds its own step, so the path costs nothing while all
 * goes well; `decode` and `encode` turn it into a `TinyMlsError`.
 */
export class CodecFault extends Error {
  readonly code: "malformed" | "usage";
  readonly offset: number | undefined;
  readonly rule: EncodingRule | undefined;
  /** From the inside out. */
  readonly steps: (string | number)[] = [];

  constructor(code: "malformed" | "usage", reason: string, offset?: number, rule?: EncodingRule) {
    super(reason);
    this.code = code;
    this.offset = offset;
    this.rule = rule;
  }
}

/** Adds the step at which `error` passed and gives it back, to be thrown on. */
export function located(error: unknown, step: string | number): unknown {
  if (error instanceof CodecFault) error.steps.push(step);
  return error;
}

/** The public form of a fault that left the struct named `root`; other errors pass unchanged. */
export function published(error: unknown, root: string, operation: string): unknown {
  if (!(error instanceof CodecFault)) return error;
  let path = root;
  for (const step of error.steps.reverse()) path += typeof step === "number" ? `[${step}]` : `.${step}`;
  const place = error.offset === undefined ? path : `${path} at octet ${error.offset}`;
  const { code, offset, rule } = error;
  const details = { operation, component: "codec", path };
  return new TinyMlsError(code, `${place}: ${error.message}`, {
    ...details,
    ...(offset === undefined ? {} : { offset }),
    ...(rule === undefined ? {} : { rule, section: sectionOf(rule) }),
  });
}

/** The value given to `encode` does not fit the struct. */
export function misfit(reason: string): CodecFault {
  return new CodecFault("usage", reason);
}

/** The section of a rule. */
export function sectionOf(rule: string): string {
  return `RFC 9420 §${rule.slice(0, rule.indexOf("/"))}`;
}
