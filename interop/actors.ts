/** What a server holds for the runner: clients by identity, and by number the groups, key packages and signers. */
import { Client, type ExternalSender, type Group, type HandshakePolicy } from "tinymls";
import { CallError } from "./grpc.js";

/** One client. A server holds one for each identity, so that a branch or a reinitialized group is joined by whom it follows. */
export class Actor {
  readonly client: Client;
  /** States and transactions. */
  uses = 0;

  constructor(client: Client) {
    this.client = client;
  }
}

/** A group as one member sees it. */
export class State {
  readonly actor: Actor;
  readonly group: Group;
  readonly handshake: HandshakePolicy;
  readonly #refs = new Map<string, Buffer>();

  constructor(actor: Actor, group: Group, handshake: HandshakePolicy) {
    this.actor = actor;
    this.group = group;
    this.handshake = handshake;
  }

  /** Remembers the ref of a proposal that this member just made. */
  async proposed(message: Promise<Buffer>): Promise<{ readonly proposal: Buffer }> {
    const proposal = await message;
    this.#refs.set(proposal.toString("base64"), this.group.pendingProposals().at(-1)!.ref);
    return { proposal };
  }

  /** The refs of proposals, which are taken in where they are new. */
  async refsOf(messages: readonly Buffer[]): Promise<Buffer[]> {
    const refs: Buffer[] = [];
    for (const message of messages) {
      const key = message.toString("base64");
      let ref = this.#refs.get(key);
      if (ref === undefined) {
        const outcome = await this.group.receiveMessage(message);
        if (outcome.kind !== "proposal") throw unexpected("proposal", outcome);
        ref = outcome.ref;
        this.#refs.set(key, ref);
      }
      refs.push(ref);
    }
    return refs;
  }

  async receiveCommit(proposals: readonly Buffer[], commit: Buffer): Promise<void> {
    await this.refsOf(proposals);
    const outcome = await this.group.receiveMessage(commit);
    if (outcome.kind !== "commit") throw unexpected("commit", outcome);
    this.#refs.clear();
  }

  async confirmCommit(): Promise<void> {
    const { pendingCommit } = this.group;
    if (pendingCommit === undefined) throw new CallError("FAILED_PRECONDITION", "no commit is pending");
    await pendingCommit.confirm();
    this.#refs.clear();
  }
}

/** What was asked for did not come of a message. */
export function unexpected(wanted: string, outcome: { readonly kind: string }): CallError {
  const { kind, code, rule } = outcome as { kind: string; code?: string; rule?: string };
  return new CallError(
    "INVALID_ARGUMENT",
    `not accepted as ${wanted}: ${[kind, code, rule].filter(Boolean).join(" ")}`,
  );
}

export class Actors {
  readonly #actors = new Map<string, Promise<Actor>>();
  readonly #states = new Map<number, State>();
  readonly #transactions = new Map<number, Actor>();
  readonly #reinits = new Map<number, State>();
  readonly #signers = new Map<number, ExternalSender>();
  #last = 0;

  /** Of each identity one; its lifetimes and PSKs are the runner's affair. */
  actor(identity: Buffer): Promise<Actor> {
    const key = identity.toString("base64");
    const known = this.#actors.get(key);
    if (known !== undefined) return known;
    // Some stacks give their key packages no end.
    const created = Client.create({ identity, maximumLifetimeMs: Infinity }).then((client) => new Actor(client));
    this.#actors.set(key, created);
    return created;
  }

  addState(actor: Actor, group: Group, handshake: HandshakePolicy): number {
    actor.uses++;
    return this.#add(this.#states, new State(actor, group, handshake));
  }

  state(id: number): State {
    return find(this.#states, id, "state");
  }

  addTransaction(actor: Actor): number {
    actor.uses++;
    return this.#add(this.#transactions, actor);
  }

  transaction(id: number): Actor {
    return find(this.#transactions, id, "transaction");
  }

  endTransaction(id: number): void {
    this.transaction(id).uses--;
    this.#transactions.delete(id);
  }

  stateOrTransaction(id: number): Actor {
    return this.#states.get(id)?.actor ?? find(this.#transactions, id, "state or transaction");
  }

  /** The state goes on as a reinitialization, until the new group takes its place. */
  addReInit(stateId: number): number {
    const state = this.state(stateId);
    this.#states.delete(stateId);
    return this.#add(this.#reinits, state);
  }

  reinit(id: number): State {
    return find(this.#reinits, id, "reinitialization");
  }

  async endReInit(id: number): Promise<void> {
    const { actor, group } = this.reinit(id);
    this.#reinits.delete(id);
    actor.uses--;
    await group.close();
  }

  addSigner(signer: ExternalSender): number {
    return this.#add(this.#signers, signer);
  }

  signer(id: number): ExternalSender {
    return find(this.#signers, id, "signer");
  }

  /** Wipes a state, and its client with the last one. */
  async free(stateId: number): Promise<void> {
    const { actor, group } = this.state(stateId);
    this.#states.delete(stateId);
    await group.close();
    if (--actor.uses > 0) return;
    for (const [key, known] of this.#actors) if ((await known) === actor) this.#actors.delete(key);
    await actor.client.close();
  }

  #add<T>(map: Map<number, T>, value: T): number {
    map.set(++this.#last, value);
    return this.#last;
  }
}

function find<T>(map: ReadonlyMap<number, T>, id: number, what: string): T {
  const found = map.get(id);
  if (found === undefined) throw new CallError("NOT_FOUND", `no ${what} ${id}`);
  return found;
}
