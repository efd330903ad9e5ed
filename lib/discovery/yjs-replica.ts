import { types } from "node:util";
import { hash } from "../native/hash.js";
import { record, requireShape, text, withMethods } from "../shapes.js";
import type { DirectoryReplica, ReplicaHost, SlotChange } from "./replica.js";

type Bytes = Uint8Array;

/** What is used of a `Y.Doc` of the package yjs. */
export interface YjsDocument {
  /** The shared map of this name. */
  getMap(name: string): YjsMap;
  /** Bundles changes; `origin` is told to those who observe. */
  transact(run: () => void, origin?: unknown): void;
}

/** What is used of a `Y.Map`. */
export interface YjsMap {
  /** The value, undefined when there is none. */
  get(key: string): unknown;
  /** Puts a value. */
  set(key: string, value: Bytes): unknown;
  /** Removes a value. */
  delete(key: string): void;
  /** The keys there are. */
  keys(): Iterable<string>;
  /** Hears of changes, by whoever. */
  observe(listener: (event: YjsMapEvent) => void): void;
  /** Ends `observe`. */
  unobserve(listener: (event: YjsMapEvent) => void): void;
}

/** What is used of a `Y.YMapEvent`. */
export interface YjsMapEvent {
  readonly keysChanged: Iterable<string>;
  readonly transaction: { readonly origin: unknown };
}

export interface YjsReplicaOptions {
  /** The name of the map in the document. Default: `tinymls-directory`. */
  readonly map?: string | undefined;
}

/**
 * Shares a directory through a map in a Yjs document, by whichever provider that is synchronised. A `Y.Map` lets the last writer win,
 * whoever that is; so each publication has a key of its own, the hash of its octets, and one that is erased or overwritten in the
 * document while the directory holds it is put back.
 *
 * @param doc lent: a `Y.Doc`
 * @throws TinyMlsError `config` with the name of what is wrong
 */
export function yjsReplica(doc: YjsDocument, options: YjsReplicaOptions = {}): DirectoryReplica {
  const details = { code: "config", operation: "yjsReplica", component: "discovery" } as const;
  requireShape(withMethods("a Y.Doc", ["getMap", "transact"]), doc, "doc", details);
  requireShape(record({ map: text }), options, "", details);
  return new YjsReplica(doc, options.map ?? "tinymls-directory");
}

class YjsReplica implements DirectoryReplica {
  readonly #doc: YjsDocument;
  readonly #map: YjsMap;
  /** The slots of the publications that this replica put or left in the map because the host holds them. */
  readonly #slots = new Map<string, string>();
  #host: ReplicaHost | undefined;
  readonly #listener = (event: YjsMapEvent): void => {
    if (event.transaction.origin !== this) this.#heard([...event.keysChanged]);
  };

  constructor(doc: YjsDocument, name: string) {
    this.#doc = doc;
    this.#map = doc.getMap(name);
  }

  async connect(host: ReplicaHost): Promise<void> {
    this.#host = host;
    this.#map.observe(this.#listener);
    const past = await host.receive(() => this.#values(this.#map.keys()));
    if (past.length > 0) this.#doc.transact(() => past.forEach((publication) => this.#erase(publication)), this);
  }

  write(changes: readonly SlotChange[]): Promise<void> {
    this.#doc.transact(() => {
      for (const { slot, before } of changes) {
        const held = this.#host!.held(slot);
        if (before !== undefined && !same(before, held)) this.#erase(before);
        if (held !== undefined) this.#put(slot, held);
      }
    }, this);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#map.unobserve(this.#listener);
    return Promise.resolve();
  }

  #heard(keys: readonly string[]): void {
    const host = this.#host!;
    // After what came along is taken in: what it replaces was erased with good reason. Nothing is erased in return, so that two
    // replicas whose clocks or limits differ never answer each other without end.
    const restore = () => this.#restore(host, keys);
    host.receive(() => this.#values(keys)).then(restore, restore);
  }

  #restore(host: ReplicaHost, keys: readonly string[]): void {
    this.#doc.transact(() => {
      for (const key of keys) {
        const slot = this.#slots.get(key);
        const held = slot === undefined ? undefined : host.held(slot);
        if (held !== undefined && keyOf(held) === key) this.#put(slot!, held);
      }
    }, this);
  }

  #put(slot: string, publication: Bytes): void {
    const key = keyOf(publication);
    this.#slots.set(key, slot);
    if (!same(this.#map.get(key), publication)) this.#map.set(key, new Uint8Array(publication));
  }

  #erase(publication: Bytes): void {
    const key = keyOf(publication);
    this.#slots.delete(key);
    if (this.#map.get(key) !== undefined) this.#map.delete(key);
  }

  #values(keys: Iterable<string>): Bytes[] {
    const values = Array.from(keys, (key) => this.#map.get(key));
    return values.filter((value): value is Bytes => types.isUint8Array(value));
  }
}

function keyOf(publication: Bytes): string {
  return hash("SHA-256", publication).toString("hex");
}

function same(one: unknown, other: Bytes | undefined): boolean {
  return types.isUint8Array(one) && other !== undefined && Buffer.compare(one, other) === 0;
}
