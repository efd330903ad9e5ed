import { isUint8Array } from "node:util/types";
import { TinyMlsError } from "../errors.js";
import { handleOf, Secret } from "../native/secret.js";
import type { Bytes } from "../native/addon.js";
import { native } from "./addon.js";
import { contextError } from "./faults.js";
import { loggerShape, type Logger } from "./logger.js";

export type ContextSuite = "AES-256-GCM" | "AES-128-GCM" | "CHACHA20-POLY1305";

/** Times are milliseconds. */
export interface ContextOptions {
  /**
   * A secret of at least 16 bytes that peers share: whoever holds it opens what the others seal, and epochs follow from it alone.
   * Left out, the keys are fresh, and private to this Context and the threads that it is shared with.
   * The Context copies it; bytes of the caller stay as they are, so wipe them when done.
   */
  secret?: Bytes | Secret;
  /** Default `AES-256-GCM`. */
  suite?: ContextSuite;
  /** How a step's secret is derived: AES-256-CTR as a pseudorandom generator (default), or HKDF. */
  ratchet?: "aes-ctr" | "hkdf-sha256";
  /** How often the key is replaced inside an epoch; 0 turns the ratchet off. Default 100. */
  ratchetPeriod?: number;
  /** How long frames can be opened after the step in which they were sealed began; an epoch seals no longer than that. Default 24 h. */
  stateLifetime?: number;
  /** How often this thread erases what expired and rotates when that is due. Default 5 s. */
  gcInterval?: number;
  /** The next rotation falls at a random moment between `minKeyRotation` and `maxKeyAge`. Defaults 30 min and 60 min. */
  minKeyRotation?: number;
  maxKeyAge?: number;
  /** Frames sealed under one key of one sender, 1 to 2^48; at the limit the Context rotates. Default 2^32. */
  maxOperations?: number;
  /** With `secret`: how many epochs ahead a frame is followed, 0 to 65536. Default 64. */
  maxEpochSkip?: number;
  /** How many steps ahead of its own clock a frame is followed. Default: the steps in `stateLifetime`. */
  maxStepAhead?: number;
  /** Refuse frames seen before, per sender: how many sequence numbers back are remembered, 0 (off, default) to 2^24. */
  replayWindow?: number;
  /** Bytes to mix with the system's randomness into new epochs. Not with `secret`. */
  entropySource?: () => Bytes;
  /** Delay each operation by a random time of at most so many microseconds, up to 1,000,000. Off by default. */
  timingJitter?: { maxMicros: number };
  /** Approved algorithms only, in a private library context that loads OpenSSL's FIPS provider. */
  fips?: boolean;
  /** Checked against the suite. */
  keySize?: 16 | 32;
  nonceSize?: 12;
  /** For log lines and metrics. */
  name?: string;
  logger?: Logger;
}

type FleetChoices = Omit<ContextOptions, "secret" | "maxEpochSkip" | "name">;

const suites: Readonly<Record<ContextSuite, { id: number; keySize: number }>> = {
  "AES-128-GCM": { id: 1, keySize: 16 },
  "AES-256-GCM": { id: 2, keySize: 32 },
  "CHACHA20-POLY1305": { id: 3, keySize: 32 },
};
const ratchets = { "aes-ctr": 1, "hkdf-sha256": 2 } as const;

const minute = 60_000;
const year = 365 * 24 * 60 * minute;
const maxSteps = 2 ** 24;
const minSecret = 16;
/** Timers of Node do not reach further. */
const maxTimer = 2 ** 31 - 1;

export const defaultGcInterval = 5_000;

export function usage(operation: string, message: string): TinyMlsError {
  return new TinyMlsError("usage", `${operation}: ${message}`, { operation, component: "context" });
}

function refuse(message: string): never {
  throw usage("Context", message);
}

/** An integer of the options, or its default. */
function integer(name: string, value: unknown, lowest: number, highest: number, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === "number" && Number.isInteger(value) && value >= lowest && value <= highest) return value;
  return refuse(`${name} must be an integer from ${lowest} to ${highest}, not ${shown(value)}`);
}

function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[], otherwise: T): T {
  if (value === undefined) return otherwise;
  if (allowed.includes(value as T)) return value as T;
  return refuse(`${name} must be one of ${allowed.map((x) => `"${x}"`).join(", ")}, not ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  return typeof value === "number" || typeof value === "boolean" || value === null ? String(value) : typeof value;
}

export function gcIntervalOf(value: number | undefined): number {
  return integer("gcInterval", value, 10, maxTimer, defaultGcInterval);
}

export function nameOf(name: unknown): string | undefined {
  if (name === undefined || typeof name === "string") return name;
  return refuse(`name must be a string, not ${shown(name)}`);
}

export function loggerOf(logger: unknown): Logger | undefined {
  if (logger === undefined || !loggerShape(logger)) return logger as Logger | undefined;
  return refuse("logger must have the methods debug, info, warn and error");
}

interface Times {
  ratchetPeriod: number;
  stateLifetime: number;
  minKeyRotation: number;
  maxKeyAge: number;
}

function timesOf(options: FleetChoices): Times {
  const stateLifetime = integer("stateLifetime", options.stateLifetime, 1, year, 24 * 60 * minute);
  const period = integer("ratchetPeriod", options.ratchetPeriod, 0, year, Math.min(100, stateLifetime));
  if (period > stateLifetime) refuse(`ratchetPeriod must be at most stateLifetime (${stateLifetime}), not ${period}`);
  const least = integer("minKeyRotation", options.minKeyRotation, 0, year, 30 * minute);
  const maxKeyAge = integer("maxKeyAge", options.maxKeyAge, 1, year, Math.max(60 * minute, Math.min(2 * least, year)));
  const minKeyRotation = options.minKeyRotation === undefined ? Math.min(least, Math.floor(maxKeyAge / 2)) : least;
  if (minKeyRotation > maxKeyAge)
    refuse(`minKeyRotation must be at most maxKeyAge (${maxKeyAge}), not ${minKeyRotation}`);
  return { ratchetPeriod: period, stateLifetime, minKeyRotation, maxKeyAge };
}

function suiteOf(options: FleetChoices): number {
  const suite = oneOf("suite", options.suite, Object.keys(suites) as ContextSuite[], "AES-256-GCM");
  const { id, keySize } = suites[suite];
  if (options.keySize !== undefined && options.keySize !== keySize)
    refuse(`keySize must be ${keySize} for ${suite}, not ${shown(options.keySize)}`);
  if (options.nonceSize !== undefined && options.nonceSize !== 12)
    refuse(`nonceSize must be 12 for ${suite}, not ${shown(options.nonceSize)}`);
  if (options.fips === true && suite === "CHACHA20-POLY1305")
    refuse("CHACHA20-POLY1305 is not approved for FIPS: choose AES-256-GCM or AES-128-GCM");
  return id;
}

// The secret itself, or a native copy of the bytes.
function secretOf(options: ContextOptions): Secret | undefined {
  const { secret, entropySource } = options;
  if (entropySource !== undefined && typeof entropySource !== "function") refuse("entropySource must be a function");
  if (secret === undefined) return entropySource === undefined ? undefined : drawEntropy(entropySource);
  if (!(secret instanceof Secret) && !isUint8Array(secret)) refuse("secret must be a Secret or a Uint8Array");
  if (secret.byteLength < minSecret) refuse(`secret must have at least ${minSecret} bytes, not ${secret.byteLength}`);
  if (entropySource !== undefined)
    refuse("entropySource cannot be combined with secret: peers could not follow the epochs that it makes");
  return secret instanceof Secret ? secret : Secret.from(secret);
}

/** What the caller's entropy source gives. The caller disposes it. */
export function drawEntropy(source: () => Bytes): Secret {
  const operation = "Context.entropySource";
  let drawn: unknown;
  try {
    drawn = source();
  } catch (cause) {
    throw new TinyMlsError("config", `${operation}: the function threw`, { operation, component: "context", cause });
  }
  if (isUint8Array(drawn) && drawn.byteLength > 0) return Secret.from(drawn);
  throw new TinyMlsError("config", `${operation}: the function must return a non-empty Uint8Array`, {
    operation,
    component: "context",
  });
}

/** The first epoch of a key ring whose epochs come from the storage of a fleet. */
export interface FirstEpoch {
  readonly epoch: number;
  readonly secret: Secret;
  /** Milliseconds. */
  readonly age: number;
  /** How much longer than `stateLifetime` keys are kept, in milliseconds. */
  readonly tolerance: number;
}

/** What the machines of a fleet must agree on, in numbers. */
export function fleetTermsOf(options: FleetChoices) {
  const { ratchetPeriod, stateLifetime, minKeyRotation, maxKeyAge } = timesOf(options);
  const terms = {
    suite: suiteOf(options),
    ratchet: ratchets[ratchetOf(options)],
    ratchetPeriod: BigInt(ratchetPeriod),
    stateLifetime: BigInt(stateLifetime),
    maxKeyAge: BigInt(maxKeyAge),
  };
  return { terms, minKeyRotation };
}

const ratchetOf = (options: FleetChoices) =>
  oneOf("ratchet", options.ratchet, Object.keys(ratchets) as (keyof typeof ratchets)[], "aes-ctr");

/** What the addon makes a key ring of, but for its secret. Throws `usage` for an option that is out of range. */
export function keyringNumbers(options: ContextOptions, first?: FirstEpoch) {
  if (typeof options !== "object" || options === null) refuse("options must be an object");
  const times = timesOf(options);
  const { ratchetPeriod, maxKeyAge } = times;
  // A fleet has its own schedule; the key ring stops sealing at the end.
  const minKeyRotation = first ? maxKeyAge : times.minKeyRotation;
  const stateLifetime = times.stateLifetime + (first?.tolerance ?? 0);
  const steps = ratchetPeriod === 0 ? 0 : Math.min(Math.ceil(stateLifetime / ratchetPeriod), maxSteps - 1);
  const { fips, timingJitter } = options;
  if (fips !== undefined && typeof fips !== "boolean") refuse("fips must be true or false");
  if (timingJitter !== undefined && (timingJitter as { maxMicros?: number } | null)?.maxMicros === undefined)
    refuse("timingJitter must be an object with maxMicros");
  return [
    suiteOf(options),
    ratchets[ratchetOf(options)],
    fips === true ? 1 : 0,
    first ? 2 : options.secret === undefined ? 0 : 1,
    ratchetPeriod,
    stateLifetime,
    minKeyRotation,
    maxKeyAge,
    integer("maxOperations", options.maxOperations, 1, 2 ** 48, 2 ** 32),
    integer("maxEpochSkip", options.maxEpochSkip, 0, 65_536, 64),
    integer("maxStepAhead", options.maxStepAhead, 0, maxSteps - 1, steps),
    integer("replayWindow", options.replayWindow, 0, maxSteps, 0),
    timingJitter === undefined ? 0 : integer("timingJitter.maxMicros", timingJitter.maxMicros, 0, 1_000_000, 0),
  ] as const;
}

// The native handle of a new key ring, or minus the fault.
function create(options: ContextOptions, first: FirstEpoch | undefined): number {
  const numbers = keyringNumbers(options, first);
  if (first) return native.contextCreate(...numbers, handleOf(first.secret), first.epoch, first.age);
  const secret = secretOf(options);
  try {
    return native.contextCreate(...numbers, secret && handleOf(secret));
  } finally {
    if (secret !== options.secret) secret?.dispose();
  }
}

/** The native handle of a new key ring. Throws `usage` for an option that is out of range. */
export function createKeyring(options: ContextOptions, first?: FirstEpoch): number {
  const answer = create(options, first);
  if (answer >= 0) return answer;
  const error = contextError(answer, "Context");
  if (error.code !== "config" || options.fips !== true) throw error;
  throw new TinyMlsError(
    "config",
    "Context: fips is true, and no FIPS provider can be loaded: install OpenSSL's FIPS module (fips.so) for the OpenSSL " +
      `${process.versions.openssl} of this Node and name it in the file that OPENSSL_CONF points to, or set OPENSSL_MODULES to its folder`,
    { operation: "Context", component: "context" },
  );
}
