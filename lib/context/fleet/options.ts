import { storageShape } from "../../storage/check.js";
import type { Storage } from "../../storage/port.js";
import type { StorageKeySource } from "../../storage/vault/storage-key.js";
import { Vault } from "../../storage/vault/vault.js";
import { usage, type ContextOptions } from "../options.js";

/**
 * How machines share the epochs of a Context. Suite, ratchet and the times of epochs are the same on all of them, those of the machine that
 * made the fleet. Times are milliseconds.
 */
export interface FleetOptions extends Omit<ContextOptions, "secret" | "maxEpochSkip" | "name"> {
  /** Names the fleet in its storage, and the Context in log lines and metrics: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or a digit. */
  readonly name: string;
  /** What the machines share. It stays the caller's, as does a `Vault` that is open already. */
  readonly storage: Storage | Vault;
  /** What epoch secrets are sealed under at rest; left out for a `Vault`, and for a `MemoryStorage`. */
  readonly storageKey?: StorageKeySource;
  /** How far the clocks of two machines may be apart. Keys are kept so much longer. Default 5 min. */
  readonly clockTolerance?: number;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const hour = 3_600_000;
const defaultTolerance = 300_000;

const refuse = (message: string): never => {
  throw usage("Context.open", message);
};

/** The options that are the fleet's alone, checked. */
export function fleetOptions(options: FleetOptions): { clockTolerance: number; now: () => number } {
  if (typeof options !== "object" || options === null) return refuse("options must be an object");
  const { name, storage, storageKey, clockTolerance = defaultTolerance, now = Date.now } = options;
  if (typeof name !== "string" || !namePattern.test(name)) refuse("name must be 1 to 64 of A-Z a-z 0-9 . _ -");
  if (!(storage instanceof Vault) && storageShape(storage)) refuse("storage must be a Storage or a Vault");
  if (storage instanceof Vault && storageKey !== undefined) refuse("a Vault has its storage key already");
  if ("secret" in options) refuse("the epoch secrets of a fleet are its own: leave secret out");
  if (!Number.isInteger(clockTolerance) || clockTolerance < 0 || clockTolerance > hour)
    refuse(`clockTolerance must be an integer from 0 to ${hour}`);
  if (typeof now !== "function") refuse("now must be a function");
  return { clockTolerance, now };
}
