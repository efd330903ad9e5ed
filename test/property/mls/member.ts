// One client with its one group, which it may lose at any time.
import { Client, errorCodes, MemoryStorage, TinyMlsError, type CipherSuite, type Group, type Received } from "tinymls";
import { storageKey } from "../../durable/stores.js";
import type { DeliveryService } from "./delivery-service.js";
import { Outlet, untilPowerFails } from "./outlet.js";

const kinds: ReadonlySet<string> = new Set([
  ...["application", "proposal", "commit", "ownEcho", "duplicate", "stale", "future", "needsProposals", "rejected"],
]);
const codes: ReadonlySet<string> = new Set(errorCodes.filter((code) => code !== "internal" && code !== "usage"));

const leaseMs = 30_000;

export interface MemberSettings {
  readonly cipherSuite: CipherSuite;
  readonly handshake: "private" | "public";
}

export class Member {
  readonly name: string;
  readonly settings: MemberSettings;
  client!: Client;
  outlet!: Outlet;
  group: Group | undefined;
  /** It confirmed a commit that was not taken: it is in an epoch of its own. */
  strayed = false;
  inbox: Buffer[] = [];
  welcomes: Buffer[] = [];
  readonly outcomes = new Map<string, number>();
  #seen = new Set<string>();
  #sent = 0;
  #medium!: MemoryStorage;
  /** How far its clock is ahead, in milliseconds. */
  #later = 0;

  constructor(name: string, settings: MemberSettings) {
    this.name = name;
    this.settings = settings;
  }

  get isInGroup(): boolean {
    return this.group !== undefined;
  }

  /** A device with nothing but its name: keys, key packages and groups of before are gone. */
  async start(): Promise<void> {
    this.#medium = new MemoryStorage();
    await this.#boot();
    await this.client.addPsk("shared", Buffer.alloc(32, 9));
    this.enter(undefined);
    this.welcomes = [];
  }

  /** The process is gone, with all that it had in memory; another goes on with what is stored. What was to be received is so still. */
  async restart(): Promise<void> {
    this.outlet.fail();
    await untilPowerFails(this.client.close());
    // Its hold on the group is over when the other begins.
    this.#later += leaseMs + 1;
    await this.#boot();
    const [groupId, ...others] = await this.client.groups();
    if (others.length > 0) throw new Error(`${this.name} is in more than one group`);
    this.group = groupId && (await this.client.loadGroup(groupId));
  }

  async #boot(): Promise<void> {
    this.outlet = new Outlet(this.#medium);
    const now = (): number => Date.now() + this.#later;
    const kept = { storage: this.outlet, storageKey, leaseMs, now };
    this.client = await Client.create({ identity: this.name, padding: "none", ...this.settings, ...kept });
  }

  enter(group: Group | undefined): void {
    this.group = group;
    this.strayed = false;
    this.inbox = [];
    this.#seen = new Set();
  }

  /** A text that says who sent it, each once. */
  nextText(): string {
    return `${this.name} ${this.#sent++}`;
  }

  async receive(ds: DeliveryService, message: Buffer): Promise<Received> {
    const { group } = this;
    if (group === undefined) throw new Error(`${this.name} is in no group`);
    const outcome = await group.receiveMessage(message);
    await this.#after(ds, group, message, outcome);
    return outcome;
  }

  async receiveAll(ds: DeliveryService, messages: readonly Buffer[]): Promise<Received[]> {
    const { group } = this;
    if (group === undefined) throw new Error(`${this.name} is in no group`);
    const outcomes = await group.receiveMessages(messages);
    for (const [index, outcome] of outcomes.entries()) await this.#after(ds, group, messages[index]!, outcome);
    return outcomes;
  }

  /** Takes in all commits that were taken and it has not seen. */
  async catchUp(ds: DeliveryService): Promise<void> {
    while (this.group !== undefined && !this.strayed && this.group.epoch < ds.epoch) {
      const { epoch } = this.group;
      const { commit, proposals } = ds.accepted.get(epoch)!;
      let outcome = await this.receive(ds, commit);
      if (outcome.kind === "needsProposals") {
        for (const proposal of proposals) await this.receive(ds, proposal);
        outcome = await this.receive(ds, commit);
      }
      if (outcome.kind !== "commit" && outcome.kind !== "ownEcho") {
        throw new Error(`${this.name} cannot follow from epoch ${epoch}: ${JSON.stringify(outcome, plain)}`);
      }
      if (this.group?.epoch === epoch) throw new Error(`${this.name} stays in epoch ${epoch}`);
    }
  }

  /** Enters, or comes back, by an external commit that takes the place of what it was. */
  async resync(ds: DeliveryService): Promise<Buffer> {
    const former = this.group;
    const { group, commit } = await this.client.joinExternal(ds.groupInfo, { resync: true });
    if (former !== undefined && !former.isClosed) throw new Error("the former group is open");
    this.enter(group);
    return commit;
  }

  async #after(ds: DeliveryService, group: Group, message: Buffer, outcome: Received): Promise<void> {
    this.#count(outcome);
    if (outcome.kind === "application") {
      this.#checkText(outcome);
      if (!this.strayed) ds.opened(outcome);
    }
    if (outcome.kind === "ownEcho" && group.pendingCommit?.commit.equals(message) === true) {
      if (ds.accepted.get(group.epoch)?.commit.equals(message) === true) await group.pendingCommit.confirm();
    }
    if (group.isClosed) {
      if (this.group === group) this.enter(undefined);
      return;
    }
    if (!this.strayed) ds.agree(group.epoch, group.epochAuthenticator(), this.name);
  }

  #count(outcome: Received): void {
    const { kind } = outcome;
    if (!kinds.has(kind)) throw new Error(`no outcome: ${kind}`);
    if (kind === "rejected" && !codes.has(outcome.code)) throw new Error(`rejected as ${outcome.code}`);
    const name = kind === "rejected" ? `rejected: ${outcome.rule ?? outcome.code}` : kind;
    this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1);
  }

  #checkText({ data, sender }: Extract<Received, { readonly kind: "application" }>): void {
    const text = data.toString();
    if (this.#seen.has(text)) throw new Error(`${this.name} received twice: ${text}`);
    this.#seen.add(text);
    if (sender.identity?.toString() !== text.split(" ")[0]) throw new Error(`not by its sender: ${text}`);
  }
}

export function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** That a call is refused with one of the codes, where it is refused. */
export async function refusedWith<T>(call: Promise<T>, ...allowed: string[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TinyMlsError && allowed.includes(error.code)) return undefined;
    throw error;
  }
}
