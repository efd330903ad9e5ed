import { TinyMlsError } from "../errors.js";

/**
 * What one call of `decode` may cost. A view or an object takes about 100 to 250 octets of heap, so `maxElements` bounds
 * the heap, whatever the input; numbers in vectors take 8 octets for 2 on the wire and are bounded by `maxSize`.
 * Depth needs no limit at run time: structs are declared without recursion, so nesting ends with the declaration.
 */
export interface Limits {
  /** Octets of the whole input. */
  readonly maxSize: number;
  /** Elements of all vectors together, numbers not counted. */
  readonly maxElements: number;
}

/** Holds the ratchet tree of a group of 50,000 members with the largest keys of the seven cipher suites. */
export const defaultLimits: Limits = Object.freeze({ maxSize: 64 * 1024 * 1024, maxElements: 1024 * 1024 });

export function limitsFrom(given: Partial<Limits> | undefined): Limits {
  if (given === undefined) return defaultLimits;
  const { maxSize = defaultLimits.maxSize, maxElements = defaultLimits.maxElements } = given;
  for (const [name, value] of Object.entries({ maxSize, maxElements })) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new TinyMlsError("usage", `${name} must be an integer of at least 0`, { component: "codec" });
  }
  return { maxSize, maxElements };
}
