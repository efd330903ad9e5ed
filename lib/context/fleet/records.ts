import { decode, encode, struct, uint32, uint64, uint8, type Infer } from "../../codec/index.js";
import { TinyMlsError, type ErrorCode } from "../../errors.js";
import { decodeSecret, type Secret } from "../../native/secret.js";
import type { StoredRecord, WriteStep } from "../../storage/port.js";
import type { Vault } from "../../storage/vault/vault.js";

/*
 * context/NAME/head              the newest epoch, and what all machines of the fleet agree on
 * context/NAME/epoch/0000000012  one epoch: when it began and its secret; written once
 *
 * Both are sealed: a head under version 0, an epoch under its number.
 */
const formatVersion = 1;

/** Times in milliseconds. */
export const FleetTerms = struct("FleetTerms", {
  suite: uint8,
  ratchet: uint8,
  ratchetPeriod: uint64,
  stateLifetime: uint64,
  maxKeyAge: uint64,
});
export type FleetTerms = Infer<typeof FleetTerms>;

const Head = struct("Head", { version: uint8, epoch: uint32, terms: FleetTerms });
const timeLength = 8;

export interface Head {
  readonly epoch: number;
  readonly terms: FleetTerms;
  readonly revision: number;
}

export interface EpochRecord {
  readonly epoch: number;
  /** By the clock of the machine that began it, in milliseconds since 1970-01-01T00:00:00Z. */
  readonly createdAt: number;
  /** The caller disposes it. */
  readonly secret: Secret;
}

/** The records of one fleet. */
export class FleetRecords {
  readonly #vault: Vault;
  readonly prefix: string;
  readonly headKey: string;

  constructor(vault: Vault, name: string) {
    this.#vault = vault;
    this.prefix = `context/${name}/`;
    this.headKey = `${this.prefix}head`;
  }

  /** Undefined where the fleet has no head. */
  async head(): Promise<Head | undefined> {
    const record = await this.#vault.storage.get(this.headKey);
    return record && this.#readHead(record);
  }

  /** Undefined for an epoch that was erased. */
  async epoch(epoch: number): Promise<EpochRecord | undefined> {
    const record = await this.#vault.storage.get(this.#epochKey(epoch));
    return record && this.#readEpoch(record, epoch);
  }

  /** Everything, the epochs in ascending order; undefined for a new fleet. The caller disposes the secrets. */
  async all(): Promise<{ head: Head; epochs: EpochRecord[] } | undefined> {
    const records: StoredRecord[] = [];
    let after: string | undefined = "";
    while (after !== undefined) {
      const page = await this.#vault.storage.list(this.prefix, after === "" ? {} : { after });
      records.push(...page.records);
      after = page.next;
    }
    if (records.length === 0) return undefined;
    const found = records.find(({ key }) => key === this.headKey);
    if (found === undefined) throw this.fault("missing", this.headKey, "is missing");
    const head = this.#readHead(found);
    const stored = records.filter((record) => record !== found);
    const current = this.#epochKey(head.epoch);
    if (!stored.some(({ key }) => key === current)) throw this.fault("missing", current, "is missing");
    if (stored.some(({ key }) => key > current)) throw this.fault("invalid", this.headKey, "was rolled back");
    const epochs: EpochRecord[] = [];
    try {
      for (const record of stored) epochs.push(this.#readEpoch(record, Number(record.key.slice(-epochDigits))));
      return { head, epochs };
    } catch (error) {
      for (const { secret } of epochs) secret.dispose();
      throw error;
    }
  }

  /** Begins an epoch: `conflict` when another machine was faster. Answers the revision of the head. */
  async begin({ epoch, createdAt, secret }: EpochRecord, terms: FleetTerms, headRevision: number): Promise<number> {
    const time = Buffer.alloc(timeLength);
    time.writeBigUInt64BE(BigInt(Math.trunc(createdAt))); // a clock may tell parts of milliseconds
    const key = this.#epochKey(epoch);
    const head = Buffer.from(encode(Head, { version: formatVersion, epoch, terms }));
    return await this.#vault.storage.write([
      { put: key, value: this.#vault.seal(key, epoch, [time, secret]), revision: 0 },
      { put: this.headKey, value: this.#vault.seal(this.headKey, 0, [head]), revision: headRevision },
    ]);
  }

  async erase(epochs: readonly number[]): Promise<void> {
    const steps: WriteStep[] = epochs.map((epoch) => ({ delete: this.#epochKey(epoch) }));
    await this.#vault.storage.write(steps);
  }

  fault(code: ErrorCode, path: string, what: string): TinyMlsError {
    const details = { operation: "Context.open", component: "context", path, retryable: false };
    return new TinyMlsError(code, `${path} ${what}`, details);
  }

  #epochKey(epoch: number): string {
    return `${this.prefix}epoch/${String(epoch).padStart(epochDigits, "0")}`;
  }

  // By the keys that were asked for, whatever the storage answers: one of another fleet does not open in place of one of this.
  #readHead({ value, revision }: StoredRecord): Head {
    using opened = this.#vault.open(this.headKey, 0, value);
    const { version, epoch, terms } = decodeSecret(opened, (octets) => decode(Head, octets));
    if (version !== formatVersion)
      throw this.fault("storage", this.headKey, "was written by a later version of tinymls");
    return { epoch, terms, revision };
  }

  #readEpoch({ value }: StoredRecord, epoch: number): EpochRecord {
    using opened = this.#vault.open(this.#epochKey(epoch), epoch, value);
    using time = opened.slice(0, timeLength);
    const createdAt = Number(decodeSecret(time, (octets) => Buffer.from(octets).readBigUInt64BE()));
    return { epoch, createdAt, secret: opened.slice(timeLength) };
  }
}

const epochDigits = 10;
