import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { opaque, decode, encode, struct, uint32, uint64, type Infer } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { bundleOctets, bundleParts } from "../../native/bundle.js";
import { randomBytes } from "../../native/random.js";
import type { StoredRecord, WriteStep } from "../../storage/port.js";
import type { Vault } from "../../storage/vault/vault.js";

const Session = struct("Session", { place: opaque, process: uint32, expiresAt: uint64 });
type Session = Infer<typeof Session>;

/** A lease that is about to be had. */
export interface PreparedLease {
  readonly steps: readonly WriteStep[];
  /** Whether someone else has it, who only seems to be gone: the records have to get a new head with these steps. */
  readonly claims: boolean;
  readonly lease: Lease;
}

/** A lease that is held: to be given back with the steps of a write. */
export interface Lease {
  /** @throws TinyMlsError `conflict` where another session has taken it */
  requireHeld(): Promise<void>;
  release(): WriteStep[];
}

/**
 * Which groups of a storage this process holds. A lease names a session; the session is renewed while it lives. Leases keep processes out
 * of each other's way; that none writes what another has is up to the heads of the records, which whoever takes a lease over changes.
 */
export class Leases {
  readonly #vault: Vault;
  readonly #prefix: string;
  readonly #lifetimeMs: number;
  readonly #now: () => number;
  readonly #id = randomBytes(16).toString("hex");
  /** What its leases hold: all the same, sealed once under the prefix. */
  #holding: Buffer | undefined;
  #renewal: NodeJS.Timeout | undefined;
  /** When what is stored of the session runs out. */
  #storedUntil = 0;

  /** @param prefix of the keys of sessions, with the slash */
  constructor(vault: Vault, prefix: string, lifetimeMs: number, now: () => number) {
    this.#vault = vault;
    this.#prefix = prefix;
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
  }

  /**
   * The steps that take hold of records; they have to be written with a condition on the head.
   * @param found the lease as it stands beside them
   * @throws TinyMlsError `conflict` while another session holds them
   */
  async prepare(key: string, found: StoredRecord | undefined): Promise<PreparedLease> {
    const former = found && this.#holder(found.value);
    const over = former === undefined ? [] : await this.#requireOver(key, former);
    if (this.#storedUntil - this.#now() < this.#lifetimeMs / 2) await this.#storeSession();
    this.#holding ??= this.#seal(this.#prefix, Buffer.from(this.#id));
    const lease = { put: key, value: this.#holding, revision: found?.revision ?? 0 };
    return {
      steps: [lease, ...over],
      claims: found !== undefined,
      // Whoever took it over changed the head, on which the write that gives it back depends: it may go without looking.
      lease: { requireHeld: () => this.#requireOwn(key), release: () => [{ delete: key }] },
    };
  }

  async close(): Promise<void> {
    if (this.#renewal === undefined) return;
    clearInterval(this.#renewal);
    this.#renewal = undefined;
    this.#storedUntil = 0;
    await this.#vault.storage.write([{ delete: this.#prefix + this.#id }], { sync: false });
  }

  async #requireOwn(key: string): Promise<void> {
    const found = await this.#vault.storage.get(key);
    if (found === undefined || this.#holder(found.value) !== this.#id) throw held(key);
  }

  /** The steps that delete what is left of the holder, if it did not come back meanwhile; one that was only late puts itself back. */
  async #requireOver(key: string, holder: string): Promise<WriteStep[]> {
    const session = this.#prefix + holder;
    const found = holder === this.#id ? undefined : await this.#vault.storage.get(session);
    if (found === undefined) return [];
    const octets = this.#octets(session, found.value);
    if (octets !== undefined && this.#isAlive(decode(Session, octets))) throw held(key);
    return [{ delete: session, revision: found.revision }];
  }

  #isAlive({ place, process: id, expiresAt }: Session): boolean {
    if (Number(expiresAt) <= this.#now()) return false;
    return !here.equals(place) || isRunning(id);
  }

  #holder(value: Buffer): string | undefined {
    return this.#octets(this.#prefix, value)?.toString();
  }

  /** Undefined for what is damaged: a lease that no one can have is none. */
  #octets(key: string, value: Buffer): Buffer | undefined {
    try {
      return bundleOctets(this.#vault.openPublic(key, 0, value));
    } catch (error) {
      if (error instanceof TinyMlsError && ["undecryptable", "malformed"].includes(error.code)) return undefined;
      throw error;
    }
  }

  /** A lease names a session that is stored. Leases that are taken at once do not wait for one another to write it. */
  async #storeSession(): Promise<void> {
    // A renewal that fails is made up for by the next; if none succeeds, others may take the groups over.
    this.#renewal ??= setInterval(() => void this.#renew().catch(() => undefined), this.#lifetimeMs / 3).unref();
    await this.#renew();
  }

  async #renew(): Promise<void> {
    const key = this.#prefix + this.#id;
    const until = Math.ceil(this.#now() + this.#lifetimeMs);
    const session = encode(Session, { place: here, process: process.pid, expiresAt: BigInt(until) });
    await this.#vault.storage.write([{ put: key, value: this.#seal(key, session) }], { sync: false });
    this.#storedUntil = until;
  }

  #seal(key: string, bytes: Uint8Array): Buffer {
    return this.#vault.seal(key, 0, bundleParts({ bytes }));
  }
}

function held(path: string): TinyMlsError {
  return new TinyMlsError("conflict", "another process holds the group", { component: "storage", path });
}

/** Where process ids mean the same processes: a dead one is told from a slow one at once. */
const here = Buffer.from(`${hostname()} ${processSpace()}`);

function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return process.platform;
  }
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
