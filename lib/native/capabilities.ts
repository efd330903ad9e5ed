import { createRequire } from "node:module";
import { addon } from "./addon.js";
import type { AeadAlgorithm, HashAlgorithm, KemAlgorithm, SignatureAlgorithm } from "./algorithms.js";

interface NativeCapabilities {
  opensslVersion: string;
  fips: boolean;
  cpu: Record<string, boolean>;
  memory: SecretMemory;
  algorithms: Record<AlgorithmName, boolean>;
}
const native = addon<{ capabilities(): NativeCapabilities }>();

type AlgorithmName = HashAlgorithm | AeadAlgorithm | KemAlgorithm | SignatureAlgorithm | "Argon2id";

/** The memory that holds secrets, of the whole process. */
export interface SecretMemory {
  /** Octets mapped and locked: never swapped out. */
  readonly lockedBytes: number;
  /** Octets mapped beyond the system's lock limit (`ulimit -l`): wiped all the same. 0 is the healthy value. */
  readonly unlockedBytes: number;
  readonly inUseBytes: number;
  /** Secrets alive. */
  readonly allocations: number;
  /** Core dumps leave it out. */
  readonly dumpExcluded: boolean;
  /** A forked child does not get it. */
  readonly forkExcluded: boolean;
  /** Unlocked memory is refused: see `setStrictMemory`. */
  readonly strict: boolean;
}

export interface Capabilities {
  readonly node: string;
  /** `linux-x64` and the like. */
  readonly platform: string;
  /** The OpenSSL inside this Node, as it names itself. */
  readonly opensslVersion: string;
  /** Whether OpenSSL's FIPS provider can be loaded, which a Context with `fips: true` needs. */
  readonly fips: boolean;
  /** Instructions of the processor that OpenSSL's fast paths use, by name; false where it or the system lacks them. */
  readonly cpu: Readonly<Record<string, boolean>>;
  /** What this OpenSSL offers. */
  readonly algorithms: Readonly<Record<AlgorithmName, boolean>>;
  /** Who computes `argon2id`: OpenSSL, the optional peer dependency, or no one. */
  readonly argon2id: "openssl" | "argon2" | undefined;
  readonly memory: SecretMemory;
}

/** What this process offers, now: for `tinymls doctor`, health checks and choosing a cipher suite. */
export function capabilities(): Capabilities {
  const { opensslVersion, fips, cpu, memory, algorithms } = native.capabilities();
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    opensslVersion,
    fips,
    cpu,
    algorithms,
    argon2id: algorithms.Argon2id ? "openssl" : peerInstalled() ? "argon2" : undefined,
    memory,
  };
}

function peerInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve("argon2");
    return true;
  } catch {
    return false;
  }
}
