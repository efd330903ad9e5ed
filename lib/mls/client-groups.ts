import { TinyMlsError } from "../errors.js";
import { handshakePolicy } from "./client-options.js";
import type { ClientStore } from "./durable/client-store.js";
import { Group } from "./group.js";
import type { GroupHost, SendPolicy } from "./group-host.js";
import type { OwnKeyPackage } from "./group/key-package.js";
import type { GroupEnvironment, MemberState } from "./group/member-state.js";
import type { HandshakePolicy } from "./group/policy.js";
import { Turns } from "./group/turns.js";
import type { StoredGroup } from "./kept-state.js";

type Bytes = Uint8Array;

/** How a new group is kept. */
export interface Keeping {
  /** In place of one with the same id. */
  readonly replaces?: boolean;
  /** The key package that is used up. */
  readonly used?: OwnKeyPackage | undefined;
}

/** The groups of a client, each once: those that are open, and those in its storage if it has one. */
export class ClientGroups {
  readonly #store: ClientStore | undefined;
  readonly #begin: GroupHost["begin"];
  readonly #open = new Map<string, Group>();
  /** In which groups begin and are loaded, so that no two with one id are open. */
  readonly #turns = new Turns();

  constructor(store: ClientStore | undefined, host: Pick<GroupHost, "begin">) {
    this.#store = store;
    this.#begin = host.begin;
  }

  /** Those that are open. */
  all(): Group[] {
    return [...this.#open.values()];
  }

  /** The ids of all, open or not. */
  async ids(): Promise<Buffer[]> {
    return this.#store?.groups() ?? this.all().map((group) => group.groupId);
  }

  has(groupId: Bytes): boolean {
    return this.#open.has(idOf(groupId)) || this.#store?.hasGroup(groupId) === true;
  }

  /** @throws TinyMlsError `conflict` */
  requireNew(groupId: Bytes): void {
    if (!this.has(groupId)) return;
    throw new TinyMlsError("conflict", "this client is in a group with that id", {
      component: "mls",
      retryable: false,
    });
  }

  /** Of a group that is open. */
  stateOf(groupId: Bytes): MemberState | undefined {
    return this.#open.get(idOf(groupId))?.state;
  }

  /** Stores a new group, in place of one with the same id where that is wanted. Takes the state over. */
  add(state: MemberState, send: SendPolicy, options: Keeping = {}): Promise<Group> {
    const { groupId } = state.epoch.context.value;
    const id = idOf(groupId);
    return this.#turns.take(async () => {
      try {
        if (options.replaces !== true) this.requireNew(groupId);
        await this.#open.get(id)?.close();
        const held = await this.#store?.addGroup(state, handshakePolicy(send), options);
        return this.#register(id, state, send, held && { held });
      } catch (error) {
        state.dispose();
        throw error;
      }
    });
  }

  /**
   * From storage where it is not open; undefined where there is none.
   * @param sendWith what is sent to a group that is stored with this policy
   */
  load(
    groupId: Bytes,
    environment: GroupEnvironment,
    sendWith: (handshake: HandshakePolicy) => SendPolicy,
  ): Promise<Group | undefined> {
    const own = Buffer.from(groupId); // others may change what they passed
    const id = idOf(own);
    return this.#turns.take(async () => {
      // One that is about to be closed is over; if that fails it stays as it was.
      await this.#open.get(id)?.closing?.catch(() => undefined);
      const open = this.#open.get(id);
      if (open !== undefined || this.#store === undefined) return open;
      const found = await this.#store.loadGroup(own, environment);
      if (found === undefined) return undefined;
      const { held, loaded } = found;
      return this.#register(id, loaded.state, sendWith(held.handshake), { held, pending: loaded.pending });
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((group) => group.close()));
  }

  #register(id: string, state: MemberState, send: SendPolicy, stored?: StoredGroup): Group {
    const forget = (): void => {
      if (this.#open.get(id) === group) this.#open.delete(id);
    };
    const group = new Group(state, send, { begin: this.#begin, forget }, stored);
    this.#open.set(id, group);
    return group;
  }
}

function idOf(bytes: Bytes): string {
  return Buffer.from(bytes).toString("latin1");
}
