import { TinyMlsError } from "../errors.js";
import { is, record, requireShape } from "../shapes.js";
import { storageShape } from "../storage/check.js";
import type { Storage, StoredRecord, WriteStep } from "../storage/port.js";
import type { DirectoryReplica, ReplicaHost, SlotChange } from "./replica.js";

type Bytes = Uint8Array;

export interface StorageReplicaOptions {
  /** What the keys of its records start with, up to 100 characters. Default: `directory/`. */
  readonly prefix?: string | undefined;
}

/**
 * Keeps a directory in a storage, a record for each group and publisher, and shares it with all that have the storage open.
 * @param storage lent: `close` of the directory leaves it open
 * @throws TinyMlsError `config` with the name of what is wrong
 */
export function storageReplica(storage: Storage, options: StorageReplicaOptions = {}): DirectoryReplica {
  requireShape(storageShape, storage, "storage", details);
  requireShape(record({ prefix }), options, "", details);
  return new StorageReplica(storage, options.prefix ?? "directory/");
}

const details = { code: "config", operation: "storageReplica", component: "discovery" } as const;
const prefix = is("a string of 100 characters at most", (value) => typeof value === "string" && value.length <= 100);

/** Milliseconds after which what could not be read is read again, if nothing is heard before. */
const retryAfter = 1000;

class StorageReplica implements DirectoryReplica {
  readonly #storage: Storage;
  readonly #prefix: string;
  #host: ReplicaHost | undefined;
  #end: (() => void) | undefined;
  /** Reads that failed, and how many of them a later read of everything made up for. While there are more, all is to be read again. */
  #failures = 0;
  #madeUp = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(storage: Storage, prefix: string) {
    this.#storage = storage;
    this.#prefix = prefix;
  }

  async connect(host: ReplicaHost): Promise<void> {
    this.#host = host;
    this.#end = await this.#storage.watch(this.#prefix, (keys) => this.#heard(host, keys));
    await this.#receiveAll(host);
  }

  async write(changes: readonly SlotChange[]): Promise<void> {
    for (const change of changes) await this.#store(this.#host!, change);
  }

  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#end?.();
    return Promise.resolve();
  }

  #heard(host: ReplicaHost, keys: readonly string[] | undefined): void {
    const failures = this.#failures;
    const all = keys === undefined || failures > this.#madeUp;
    const received = all ? this.#receiveAll(host) : this.#receive(host, () => this.#read(keys));
    received.then(
      // What failed while it read may be of a page that it had read before.
      () => all && (this.#madeUp = Math.max(this.#madeUp, failures)),
      () => {
        this.#failures++;
        this.#readLater(host);
      },
    );
  }

  #readLater(host: ReplicaHost): void {
    if (this.#closed || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#failures > this.#madeUp) this.#heard(host, undefined);
    }, retryAfter).unref();
  }

  async #read(keys: readonly string[]): Promise<StoredRecord[]> {
    const records = await Promise.all(keys.map((key) => this.#storage.get(key)));
    return records.filter((record) => record !== undefined);
  }

  async #receiveAll(host: ReplicaHost): Promise<void> {
    let after: string | undefined;
    do {
      await this.#receive(host, async () => {
        const page = await this.#storage.list(this.#prefix, after === undefined ? {} : { after });
        after = page.next;
        return page.records;
      });
    } while (after !== undefined);
  }

  async #receive(host: ReplicaHost, read: () => Promise<readonly StoredRecord[]>): Promise<void> {
    let records: readonly StoredRecord[] = [];
    const past = await host.receive(async () => (records = await read()).map(({ value }) => value));
    for (const { key, value, revision } of records) {
      if (past.includes(value)) await this.#change({ delete: key, revision });
    }
  }

  /** Merges what the record holds with what the host holds, by compare and set. */
  async #store(host: ReplicaHost, { slot, before }: SlotChange): Promise<void> {
    const key = `${this.#prefix}${slot}`;
    for (;;) {
      const record = await this.#storage.get(key);
      const stored = record?.value;
      // What was replaced or forgotten here must not come back by this way.
      if (stored !== undefined && !same(stored, before)) await host.receive(() => [stored]);
      const held = host.held(slot);
      if (same(stored, held) || (held === undefined && !same(stored, before))) return;
      const revision = record?.revision ?? 0;
      const step: WriteStep = held === undefined ? { delete: key, revision } : { put: key, value: held, revision };
      if (await this.#change(step)) return;
    }
  }

  /** @returns false where another writer was faster */
  async #change(step: WriteStep): Promise<boolean> {
    try {
      await this.#storage.write([step]);
      return true;
    } catch (error) {
      if (error instanceof TinyMlsError && error.code === "conflict") return false;
      throw error;
    }
  }
}

function same(one: Bytes | undefined, other: Bytes | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one, other) === 0;
}
