import { decode, encode, opaque, struct, uint16, uint8, vector } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { hash } from "../../native/hash.js";
import { PrivateKey, type KeyAlgorithm } from "../../native/keys.js";
import { disposeSecrets, type Secret } from "../../native/secret.js";
import type { Storage, WriteStep } from "../../storage/port.js";
import { Vault } from "../../storage/vault/vault.js";
import type { StorageKeySource } from "../../storage/vault/storage-key.js";
import { OwnKeyPackage } from "../group/key-package.js";
import type { GroupEnvironment, MemberState } from "../group/member-state.js";
import type { HandshakePolicy } from "../group/policy.js";
import { KeyPackage, type Welcome } from "../objects/index.js";
import { suiteOf } from "../suite/index.js";
import { Turns } from "../group/turns.js";
import { GroupStore, type LoadedGroup } from "./group-store.js";
import { Leases, type Lease } from "./lease.js";
import type { PreparedWrite } from "./prepared-write.js";
import { RecordChanges } from "./record-changes.js";
import { RecordSet } from "./record-set.js";
import { sweep } from "./sweep.js";

type Bytes = Uint8Array;

export interface ClientStoreOptions {
  readonly storage: Storage;
  readonly storageKey: StorageKeySource | undefined;
  /** Whose state it is. */
  readonly identity: Bytes;
  readonly leaseMs: number;
  readonly now: () => number;
}

/** A group that this process holds. */
export interface HeldGroup {
  readonly store: GroupStore;
  readonly handshake: HandshakePolicy;
  /**
   * Reads it again, after a write that failed.
   * @throws TinyMlsError `conflict` where another process took it over
   */
  reload(environment: GroupEnvironment): Promise<LoadedGroup>;
  /** Lets other processes have it. */
  release(loaded: LoadedGroup): Promise<void>;
  /** Deletes it: it is over for this client. */
  erase(): Promise<void>;
}

const StoredKeys = struct("StoredKeys", { algorithms: vector(opaque) });
const StoredKeyPackage = struct("StoredKeyPackage", { cipherSuite: uint16, keyPackage: opaque });
const StoredPsk = struct("StoredPsk", { id: opaque });
const GroupInfo = struct("StoredGroup", { groupId: opaque, handshake: uint8 });
/** Of the names of groups. */
const groups = "group/";
/** Of groups that are over and of which there may still be records. */
const erased = "erased/";
const nothing = new Uint8Array(0);
const noChanges = new RecordChanges();
const handshakes: readonly HandshakePolicy[] = ["private", "public"];

const keysName = "keys";

/** The state of one client at rest: its keys, key packages, PSKs and groups. Several processes may have one open. */
export class ClientStore {
  readonly #vault: Vault;
  readonly #prefix: string;
  readonly #records: RecordSet;
  readonly #leases: Leases;
  readonly #turns = new Turns();

  private constructor(vault: Vault, { identity, leaseMs, now }: ClientStoreOptions) {
    this.#vault = vault;
    this.#prefix = `client/${digest(identity)}/`;
    this.#records = new RecordSet(vault, `${this.#prefix}own/`);
    this.#leases = new Leases(vault, `${this.#prefix}session/`, leaseMs, now);
  }

  /** @throws TinyMlsError as `Vault.open`, and with the record in `path` */
  static async open(options: ClientStoreOptions): Promise<ClientStore> {
    const vault = await Vault.open(options.storage, options.storageKey);
    try {
      const store = new ClientStore(vault, options);
      await store.#records.refresh();
      await store.#sweep();
      return store;
    } catch (error) {
      vault.close();
      throw error;
    }
  }

  /** The signature keys, by algorithm. They are the caller's. */
  async signatureKeys(): Promise<Map<string, PrivateKey>> {
    const keys = new Map<string, PrivateKey>();
    if (!this.#records.has(keysName)) return keys;
    const { bytes, secrets } = await this.#records.read(keysName);
    try {
      decode(StoredKeys, bytes).algorithms.forEach((name, at) => {
        const algorithm = Buffer.from(name).toString();
        keys.set(algorithm, PrivateKey.fromSecret(algorithm as KeyAlgorithm, secrets[at]!));
      });
      return keys;
    } finally {
      disposeSecrets(secrets);
    }
  }

  saveSignatureKeys(keys: ReadonlyMap<string, PrivateKey>): Promise<void> {
    const algorithms = Array.from(keys.keys(), (name) => Buffer.from(name));
    const bytes = encode(StoredKeys, { algorithms });
    return this.#update((changes) => changes.put(keysName, { bytes, secrets: [...keys.values()] }));
  }

  /** Ids and PSKs, which are the caller's. */
  async psks(): Promise<[Buffer, Secret][]> {
    const psks: [Buffer, Secret][] = [];
    for (const name of this.#records.names("psk/")) {
      const { bytes, secrets } = await this.#records.read(name);
      psks.push([Buffer.from(decode(StoredPsk, bytes).id), secrets[0]!]);
    }
    return psks;
  }

  savePsk(id: Bytes, psk: Secret): Promise<void> {
    const bytes = encode(StoredPsk, { id });
    return this.#update((changes) => changes.put(`psk/${digest(id)}`, { bytes, secrets: [psk] }));
  }

  deletePsk(id: Bytes): Promise<void> {
    return this.#update((changes) => {
      if (this.#records.has(`psk/${digest(id)}`)) changes.delete(`psk/${digest(id)}`);
    });
  }

  addKeyPackage({ ref, bytes, value, initKey, leafKey }: OwnKeyPackage): Promise<void> {
    const octets = encode(StoredKeyPackage, { cipherSuite: value.cipherSuite, keyPackage: bytes });
    return this.#update((changes) => changes.put(keyPackageName(ref), { bytes: octets, secrets: [initKey, leafKey] }));
  }

  /** The key package that a Welcome is for; undefined where there is none. It is the caller's. */
  async findKeyPackage({ secrets }: Welcome): Promise<OwnKeyPackage | undefined> {
    await this.#records.refresh();
    const known = secrets.map(({ newMember }) => keyPackageName(newMember)).find((name) => this.#records.has(name));
    if (known === undefined) return undefined;
    const body = await this.#records.read(known);
    try {
      const { cipherSuite, keyPackage } = decode(StoredKeyPackage, body.bytes);
      const suite = suiteOf(cipherSuite);
      const [initKey, leafKey] = body.secrets.map((secret) => suite.hpkeKey(secret));
      const bytes = Buffer.from(keyPackage);
      return new OwnKeyPackage(suite, bytes, decode(KeyPackage, bytes), initKey!, leafKey!);
    } finally {
      disposeSecrets(body.secrets);
    }
  }

  hasGroup(groupId: Bytes): boolean {
    return this.#records.has(groupName(groupId));
  }

  /** The ids of all groups, whichever process holds them. */
  async groups(): Promise<Buffer[]> {
    await this.#records.refresh();
    const bodies = this.#records.names(groups).map((name) => this.#records.read(name));
    return (await Promise.all(bodies)).map(({ bytes }) => bytes);
  }

  /**
   * Stores a new group, in place of one with the same id where `replaces` says so.
   * @param used the key package that it was joined by, which is deleted with the same write
   * @throws TinyMlsError `conflict` where there is one with that id; `missing` where the key package was used by another process
   */
  async addGroup(
    state: MemberState,
    handshake: HandshakePolicy,
    { replaces = false, used }: { readonly replaces?: boolean; readonly used?: OwnKeyPackage | undefined } = {},
  ): Promise<HeldGroup> {
    const groupId = Buffer.from(state.epoch.context.value.groupId);
    const name = groupName(groupId);
    const records = this.#setOf(name);
    if (replaces) await records.abandon();
    const { steps, lease } = await this.#leases.prepare(records.leaseKey, await records.lease());
    const store = new GroupStore(records);
    const info = encode(GroupInfo, { groupId, handshake: handshakes.indexOf(handshake) });
    const group = await records.prepare(store.replacement(state), info);
    const change = (changes: RecordChanges): void => {
      if (!this.#records.has(name)) changes.put(name, { bytes: groupId });
      if (used !== undefined) this.#useKeyPackage(changes, used.ref);
    };
    await this.#update(change, group, steps);
    return this.#held(name, records, store, lease, handshake);
  }

  /**
   * Takes hold of a group; undefined where there is none with that id.
   * @throws TinyMlsError `conflict` while another process holds it; with the record in `path` where one is damaged, put back or missing
   */
  async loadGroup(
    groupId: Bytes,
    environment: GroupEnvironment,
  ): Promise<{ readonly held: HeldGroup; readonly loaded: LoadedGroup } | undefined> {
    const name = groupName(groupId);
    if (!(this.#records.has(name) || (await this.#isFound(name)))) return undefined;
    const records = this.#setOf(name);
    const all = await records.readAll();
    if (all === undefined) {
      if (!(await this.#isFound(name))) return undefined; // another process deleted it
      throw lost(records.headKey);
    }
    const { steps, lease, claims } = await this.#leases.prepare(records.leaseKey, all.lease);
    const store = new GroupStore(records);
    const loaded = store.load(all, environment);
    try {
      // Nothing is written before all could be read; whoever wrote meanwhile changed the head.
      await records.write(noChanges, { also: steps, claims, sync: false });
    } catch (error) {
      loaded.pending?.staged.discard();
      loaded.state.dispose();
      throw error;
    }
    const handshake = handshakes[decode(GroupInfo, records.info).handshake] ?? "private";
    return { held: this.#held(name, records, store, lease, handshake), loaded };
  }

  async close(): Promise<void> {
    try {
      await this.#leases.close();
    } finally {
      this.#vault.close();
    }
  }

  #held(name: string, records: RecordSet, store: GroupStore, lease: Lease, handshake: HandshakePolicy): HeldGroup {
    let isRetried = false;
    return {
      store,
      handshake,
      reload: async (environment) => {
        const all = await records.readAll();
        // Whoever takes the lease from here on changes the head, and the next write finds that out.
        await lease.requireHeld();
        if (all === undefined) throw lost(records.headKey);
        return store.load(all, environment);
      },
      release: ({ state, pending }) => store.release(state, pending, lease.release()),
      erase: async () => {
        // A write that failed may have been done all the same.
        if (isRetried && (await this.#isErased(records))) return this.#sweep();
        isRetried = true;
        const erasure = await records.prepareErasure();
        const change = (changes: RecordChanges): void => {
          if (this.#records.has(name)) changes.delete(name);
          if (!erasure.isWhole) changes.put(erased + name.slice(groups.length), { bytes: nothing });
        };
        await this.#update(change, erasure, lease.release());
        // The group is over, whatever comes of this.
        await this.#sweep();
      },
    };
  }

  /** Whether there is such a record now, of whichever process. */
  async #isFound(name: string): Promise<boolean> {
    await this.#records.refresh();
    return this.#records.has(name);
  }

  /** Deletes what is left of groups that were too large to be erased in one write. What fails is tried when the client is opened again. */
  async #sweep(): Promise<void> {
    for (const name of this.#records.names(erased)) await this.#sweepGroup(name).catch(() => undefined);
  }

  async #sweepGroup(name: string): Promise<void> {
    const group = groups + name.slice(erased.length);
    await this.#turns.take(async () => {
      // One that was made anew finds and deletes what is left of the one before.
      if (this.#records.has(group)) return;
      // None is made meanwhile, by any process: that would change the list.
      await sweep(this.#vault.storage, this.#setOf(group).prefix, this.#records.unchanged);
    });
    await this.#update((changes) => {
      if (this.#records.has(name)) changes.delete(name);
    });
  }

  async #isErased(records: RecordSet): Promise<boolean> {
    await this.#records.refresh();
    return !(await records.refresh());
  }

  /** Used once, by whichever process is first. */
  #useKeyPackage(changes: RecordChanges, ref: Bytes): void {
    const name = keyPackageName(ref);
    if (this.#records.has(name)) return changes.delete(name);
    throw new TinyMlsError("missing", "the key package was used meanwhile", {
      operation: "joinGroup",
      component: "mls",
      path: this.#records.prefix + name,
      retryable: false,
    });
  }

  /** Changes what all processes of this client share; whoever was first, the other does it again. */
  #update(
    change: (changes: RecordChanges) => void,
    group?: PreparedWrite,
    also: readonly WriteStep[] = [],
  ): Promise<void> {
    return this.#turns.take(async () => {
      for (let tries = 1; ; tries++) {
        const changes = new RecordChanges();
        change(changes);
        const own = await this.#records.prepare(changes);
        try {
          const revision = await this.#vault.storage.write([...own.steps, ...(group?.steps ?? []), ...also]);
          own.written(revision);
          group?.written(revision);
          return;
        } catch (error) {
          if (tries === 100 || !this.#lostRace(error)) throw error;
          await this.#records.refresh();
        }
      }
    });
  }

  #lostRace(error: unknown): boolean {
    return error instanceof TinyMlsError && error.code === "conflict" && error.path === this.#records.headKey;
  }

  /** The records of the group that is listed under a name. */
  #setOf(name: string): RecordSet {
    return new RecordSet(this.#vault, `${this.#prefix}${name}/`);
  }
}

function digest(bytes: Bytes): string {
  return hash("SHA-256", bytes).toString("hex", 0, 16);
}

function groupName(groupId: Bytes): string {
  return groups + digest(groupId);
}

function keyPackageName(ref: Bytes): string {
  return `keypackage/${Buffer.from(ref).toString("hex", 0, 16)}`;
}

function lost(path: string): TinyMlsError {
  return new TinyMlsError("missing", `${path} is missing`, { component: "storage", path, retryable: false });
}
