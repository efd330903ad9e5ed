/** RFC 9420 §15.3, §9.2: how long what opens late messages is kept, and how far one message may make a member compute. */
import { TinyMlsError } from "../../errors.js";

export interface RetentionPolicy {
  /** The farthest a ratchet moves for one message, in generations. One step takes about a microsecond. Default 10,000. */
  readonly maxForwardDistance: number;
  /** Keys of generations not seen yet, kept for each ratchet (a sender has two). Default 1,000. */
  readonly maxSkippedKeys: number;
  /** The same for all ratchets of an epoch together. Default 10,000. */
  readonly maxSkippedKeysPerEpoch: number;
  /** Milliseconds that such a key is kept. Default 24 hours. */
  readonly skippedKeyLifetimeMs: number;
  /** Past epochs whose application messages can still be opened. Default 3. */
  readonly pastEpochs: number;
  /** Milliseconds that a past epoch is kept. Default 24 hours. */
  readonly pastEpochLifetimeMs: number;
  /** Past epochs whose resumption_psk is kept (§8.6). Default 8. */
  readonly resumptionEpochs: number;
}

const day = 24 * 60 * 60 * 1000;

export const defaultRetention: RetentionPolicy = Object.freeze({
  maxForwardDistance: 10_000,
  maxSkippedKeys: 1_000,
  maxSkippedKeysPerEpoch: 10_000,
  skippedKeyLifetimeMs: day,
  pastEpochs: 3,
  pastEpochLifetimeMs: day,
  resumptionEpochs: 8,
});

/** What `retentionFrom` answered: each epoch of each group asks again. */
const complete = new WeakSet<Partial<RetentionPolicy>>([defaultRetention]);

/**
 * `given`, the default where it says nothing.
 * @throws TinyMlsError `config` for an unknown name or a value that is no whole number of at least 0 (or Infinity, for times).
 */
export function retentionFrom(given: Partial<RetentionPolicy> = {}): RetentionPolicy {
  if (complete.has(given)) return given as RetentionPolicy;
  for (const [name, value] of Object.entries(given) as [keyof RetentionPolicy, number | undefined][]) {
    const isTime = name.endsWith("Ms");
    if (value === undefined && name in defaultRetention) continue;
    if (name in defaultRetention && ((Number.isSafeInteger(value) && value! >= 0) || (isTime && value === Infinity)))
      continue;
    throw new TinyMlsError("config", `retention.${name} is none of the policy, or has no value that it can take`, {
      component: "mls",
    });
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const policy = Object.freeze({ ...defaultRetention, ...Object.fromEntries(set) });
  complete.add(policy);
  return policy;
}
