import { types } from "node:util";
import { decode, encode, struct, uint16, opaque, vector } from "../codec/index.js";
import { TinyMlsError } from "../errors.js";
import type { Group } from "../mls/group.js";
import { record, requireShape, withMethods } from "../shapes.js";
import { DirectoryState, type PublicationChange } from "./directory-state.js";
import { Link } from "./link.js";
import { directorySettings, type DirectoryOptions, type DirectorySettings } from "./options.js";
import { groupKeyOf, groupKeyOfSlot, publicationExtension, readPublication, verifyPublication } from "./publication.js";
import { fault, refuseBy } from "./refusal.js";
import type { ReplicaHost, SlotChange } from "./replica.js";
import { isPast, isTrusted, shownOf, type DirectoryEntry } from "./view.js";

type Bytes = Uint8Array;

const version = 1;
const EncodedDirectory = struct("EncodedDirectory", { version: uint16, publications: vector(opaque) });

const groupShape = withMethods("a Group", ["groupInfo"]);
const optionsShape = record({});

/** What came of a merge. */
export interface MergeResult {
  /** Publications that were new and took their place. */
  readonly accepted: number;
  /** Those that were there, or had to give way to what was. */
  readonly unchanged: number;
  readonly refused: readonly RefusedPublication[];
}

export interface RefusedPublication {
  /** Its place in what was merged. */
  readonly index: number;
  readonly error: TinyMlsError;
}

/** Hears of groups of which something may be shown anew, by their ids. */
export type DirectoryListener = (groupIds: readonly Buffer[]) => void;

/**
 * A public directory of groups: members publish signed GroupInfos (RFC 9420 §12.4.3) for those who may join. Nothing in it is secret.
 *
 * It is a state-based CRDT: replicas that have merged the same publications, in whatever order and however often, hold the same. What
 * is shown depends, beside that, on the clock and on whom the application trusts; see `DirectoryOptions`.
 */
export class GroupDirectory {
  readonly #settings: DirectorySettings;
  readonly #state: DirectoryState;
  readonly #links: readonly Link[];
  readonly #listeners = new Set<{ readonly listener: DirectoryListener }>();
  readonly #receiving = new Set<Promise<unknown>>();
  #closed = false;

  private constructor(settings: DirectorySettings) {
    this.#settings = settings;
    this.#state = new DirectoryState(settings.limits);
    this.#links = settings.replicas.map((replica) => new Link(replica));
  }

  /**
   * Opens a directory with what its replicas hold.
   * @throws TinyMlsError `config` with the name of the option that is wrong; what a replica rejects with
   */
  static async open(options: DirectoryOptions): Promise<GroupDirectory> {
    const directory = new GroupDirectory(directorySettings(options));
    try {
      for (const { replica } of directory.#links) await replica.connect(directory.#host);
      const all = [...directory.#state.all()].map(({ slot }) => ({ slot, before: undefined }));
      await directory.#tell(all);
    } catch (error) {
      await directory.close();
      throw error;
    }
    return directory;
  }

  /** Groups of which something is held, shown or not. */
  get groups(): number {
    return this.#state.groups;
  }

  /**
   * Publishes the current epoch of a group that this client is a member of. To be repeated after each commit, and before it expires.
   *
   * @param options.lifetimeMs how long it is valid. Default: 24 hours
   * @returns the publication, an MLSMessage with a GroupInfo, to be merged into directories elsewhere
   * @throws TinyMlsError what `merge` refuses a publication for: this client may not be trusted, or not in its latest epoch
   */
  async publish(
    group: Pick<Group, "groupInfo">,
    options: { readonly lifetimeMs?: number | undefined } = {},
  ): Promise<Buffer> {
    this.#requireOpen("publish");
    const details = { operation: "publish", component: "discovery" };
    requireShape(groupShape, group, "group", details);
    requireShape(optionsShape, options, "", details);
    const { now, maximumLifetimeMs } = this.#settings;
    const { lifetimeMs = Math.min(24 * 3600 * 1000, maximumLifetimeMs) } = options;
    if (!(lifetimeMs >= 1000 && lifetimeMs <= maximumLifetimeMs)) {
      throw fault("usage", "publish", `lifetimeMs is 1000 to ${maximumLifetimeMs}`);
    }
    const publication = await group.groupInfo({ extensions: [publicationExtension(now(), lifetimeMs)] });
    const { refused } = await this.merge([publication]);
    if (refused[0] !== undefined) throw refused[0].error;
    return publication;
  }

  /**
   * Takes in publications, each verified by itself: what is refused changes nothing and keeps none of the others out.
   *
   * @param publications one by one, or all that another directory holds as `encode` gave it
   * @returns once the replicas have what is new
   * @throws TinyMlsError `malformed` for an encoding that cannot be read, nothing is merged then; what a replica rejects with: the same
   * call again brings it what it lacks
   */
  async merge(publications: Bytes | readonly Bytes[]): Promise<MergeResult> {
    this.#requireOpen("merge");
    const result = await this.#merge(this.#listOf(publications));
    await Promise.all(this.#links.map((link) => link.flush()));
    return result;
  }

  /** What is shown of a group: its newest publication that may be trusted, undefined when there is none or it has expired. */
  async get(groupId: Bytes): Promise<DirectoryEntry | undefined> {
    this.#requireOpen("get");
    if (!types.isUint8Array(groupId)) throw fault("usage", "get", "a group id is a Uint8Array");
    return shownOf(this.#settings, this.#state.of(groupKeyOf(groupId)));
  }

  /** All that is shown, in no order. */
  async list(): Promise<DirectoryEntry[]> {
    this.#requireOpen("list");
    const shown: DirectoryEntry[] = [];
    for (const groupKey of [...this.#state.groupKeys()]) {
      const entry = await shownOf(this.#settings, this.#state.of(groupKey));
      if (entry !== undefined) shown.push(entry);
    }
    return shown;
  }

  /** All that is held, for `merge` of another directory. Directories that hold the same encode to the same octets. */
  encode(): Buffer {
    this.#requireOpen("encode");
    const sorted = [...this.#state.all()].sort((a, b) => (a.slot < b.slot ? -1 : 1));
    return encode(EncodedDirectory, { version, publications: sorted.map(({ bytes }) => bytes) });
  }

  /**
   * Calls `listener` after something changed, whatever the source. An expiry is no change.
   * @returns ends the watch
   */
  watch(listener: DirectoryListener): () => void {
    this.#requireOpen("watch");
    if (typeof listener !== "function") throw fault("usage", "watch", "listener is a function");
    const watch = { listener };
    this.#listeners.add(watch);
    return () => void this.#listeners.delete(watch);
  }

  /**
   * Forgets, here and in the replicas, what can be shown no more: what expired longer than `maximumLifetimeMs` ago and what comes from
   * publishers that are trusted no more. Happens by itself when there is no room.
   * @returns how many publications
   */
  async compact(): Promise<number> {
    this.#requireOpen("compact");
    const count = await this.#compact();
    await Promise.all(this.#links.map((link) => link.flush()));
    return count;
  }

  /** Resolves once all that replicas told so far is taken in and told on. */
  async settled(): Promise<void> {
    while (this.#receiving.size > 0) await Promise.allSettled(this.#receiving);
    await Promise.all(this.#links.map((link) => link.flush()));
  }

  /** Ends watches and leaves the replicas, which stay as they are. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    await Promise.all(this.#links.map(({ replica }) => replica.close()));
  }

  readonly #host: ReplicaHost = {
    receive: (read) => {
      const received = this.#receive(read);
      const done = received.catch(() => undefined).finally(() => this.#receiving.delete(done));
      this.#receiving.add(done);
      return received;
    },
    held: (slot) => this.#state.at(slot)?.bytes,
  };

  async #receive(read: () => Promise<readonly Bytes[]> | readonly Bytes[]): Promise<Bytes[]> {
    if (this.#closed) return [];
    const publications = await read();
    const { refused } = await this.#merge(publications);
    for (const { error } of refused) {
      const { code, rule } = error;
      this.#settings.logger?.warn({ code, rule }, "a publication in a replica of the group directory was refused");
    }
    return refused.filter(({ error }) => error.code === "expired").map(({ index }) => publications[index]!);
  }

  async #merge(publications: readonly Bytes[]): Promise<MergeResult> {
    let accepted = 0;
    let unchanged = 0;
    const refused: RefusedPublication[] = [];
    for (const [index, publication] of publications.entries()) {
      try {
        const changes = await this.#takeIn(publication);
        if (changes.length > 0) accepted++;
        else unchanged++;
        this.#changed(changes);
      } catch (error) {
        if (!(error instanceof TinyMlsError)) throw error;
        refused.push({ index, error });
      }
    }
    return { accepted, unchanged, refused };
  }

  /** Cheap checks first; what would change nothing is not verified. */
  async #takeIn(bytes: Bytes): Promise<PublicationChange[]> {
    const settings = this.#settings;
    const publication = readPublication(bytes, settings.limits, settings.maximumLifetimeMs);
    if (!this.#state.wants(publication)) return [];
    if (isPast(settings, settings.now(), publication.lifetime)) {
      refuseBy("discovery/retention", `it ended at ${publication.lifetime.notAfter} s`, "expired");
    }
    if (!(await isTrusted(settings, publication.publisher))) refuseBy("discovery/publisher", "it may not");
    await verifyPublication(publication);
    try {
      return this.#state.join(publication);
    } catch (error) {
      if ((await this.#compact()) === 0) throw error;
      return this.#state.join(publication);
    }
  }

  async #compact(): Promise<number> {
    const now = this.#settings.now();
    let count = 0;
    for (const publication of [...this.#state.all()]) {
      const past = isPast(this.#settings, now, publication.lifetime);
      if (!past && (await isTrusted(this.#settings, publication.publisher))) continue;
      const changes = this.#state.remove(publication);
      count += changes.length;
      this.#changed(changes);
    }
    return count;
  }

  /** Tells replicas, without waiting for them, and listeners. */
  #changed(changes: readonly PublicationChange[]): void {
    if (changes.length === 0) return;
    const told = this.#tell(changes.map(({ slot, before }) => ({ slot, before: before?.bytes })));
    told.catch((error: unknown) => {
      const { code } = error as { code?: unknown };
      this.#settings.logger?.warn(
        { code },
        "a replica of the group directory was not written; it is told with the next change",
      );
    });
    const ids = new Map(
      changes.map(({ slot, before, after }) => [groupKeyOfSlot(slot), (after ?? before)!.publisher.groupId]),
    );
    for (const watch of this.#listeners) {
      // In a turn of its own: a listener that throws does not hurt the merge that it hears of.
      queueMicrotask(() => {
        if (this.#listeners.has(watch)) watch.listener(Array.from(ids.values(), (id) => Buffer.from(id)));
      });
    }
  }

  #tell(changes: readonly SlotChange[]): Promise<unknown> {
    return Promise.all(
      this.#links.map((link) => {
        link.add(changes);
        return link.flush();
      }),
    );
  }

  #listOf(publications: Bytes | readonly Bytes[]): readonly Bytes[] {
    if (Array.isArray(publications)) return publications as readonly Bytes[];
    if (!types.isUint8Array(publications)) throw fault("usage", "merge", "publications are Uint8Arrays");
    const { limits } = this.#settings;
    const maxSize = 2 * limits.totalLength + 16;
    const state = decode(EncodedDirectory, Buffer.from(publications), { maxSize });
    if (state.version === version) return state.publications;
    throw fault("malformed", "merge", `the encoding has version ${state.version}`, {
      path: "EncodedDirectory.version",
    });
  }

  #requireOpen(operation: string): void {
    if (this.#closed) throw fault("closed", operation, "the directory is closed");
  }
}
