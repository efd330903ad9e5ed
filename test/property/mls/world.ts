// A group over a bad network: operations in any order, each of which means something in any state.
import { expect } from "@jest/globals";
import { identityOf, type CommitOptions, type Group, type PendingCommit } from "tinymls";
import { LeafNodeSource } from "tinymls/messages";
import { Choices } from "./choices.js";
import { crash } from "./crash.js";
import { DeliveryService, type Faults } from "./delivery-service.js";
import { Member, refusedWith, type MemberSettings } from "./member.js";

export const kinds = [
  ...(["send", "receive", "receiveMany", "receiveDamaged", "propose", "leave", "commit", "publish"] as const),
  ...(["rebase", "discard", "stray", "join", "joinExternal", "catchUp", "crash", "lose"] as const),
];

export interface Operation {
  readonly kind: (typeof kinds)[number];
  /** Decides on all that is open. */
  readonly seed: number;
}

export interface WorldOptions extends MemberSettings, Faults {
  readonly people: number;
  /** Of them, in the group from the start. */
  readonly founders: number;
}

export class World {
  readonly members: readonly Member[];
  readonly ds: DeliveryService;
  readonly done = new Map<string, number>();
  /** The most members that were in the group. */
  largest = 0;
  readonly #losing: Promise<unknown>[] = [];

  private constructor(members: readonly Member[], ds: DeliveryService) {
    this.members = members;
    this.ds = ds;
  }

  static async start(options: WorldOptions): Promise<World> {
    const { cipherSuite, handshake } = options;
    const members = Array.from({ length: options.people }, (_, i) => new Member(`m${i}`, { cipherSuite, handshake }));
    await Promise.all(members.map((member) => member.start()));
    const [first, ...others] = members.slice(0, options.founders) as [Member, ...Member[]];
    const group = await first.client.createGroup();
    first.enter(group);
    const pending = await group.commit({ add: await Promise.all(others.map(keyPackageOf)) });
    await pending.confirm();
    for (const member of others) member.enter(await member.client.joinGroup(pending.welcome!));
    const follow = handshake === "public";
    const ds = await DeliveryService.start(group.epoch, await group.groupInfo(), options, follow);
    return new World(members, ds);
  }

  async run({ kind, seed }: Operation): Promise<void> {
    const choices = new Choices(seed);
    const acting = this.members.filter((member) => this.#can(member, kind));
    if (acting.length === 0) return;
    const member = choices.one(acting);
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
    await this[kind](member, choices);
    this.largest = Math.max(this.largest, this.members.filter(({ isInGroup }) => isInGroup).length);
  }

  /** Everyone who is in the group comes to its last epoch, and all see the same. */
  async finish(): Promise<void> {
    await Promise.allSettled(this.#losing);
    const choices = new Choices(1);
    for (const member of this.members) {
      if (member.group?.pendingCommit !== undefined && !this.isTaken(member))
        await member.group.pendingCommit.discard();
      if (member.strayed) await this.joinExternal(member, choices);
    }
    await this.#removeLost(choices);
    for (const member of this.members) await member.catchUp(this.ds);
    const present = this.members.filter(({ isInGroup }) => isInGroup);
    const names = present.map(({ name }) => name).sort();
    const [first] = present;
    if (first === undefined) return;
    const [exported, roster] = [first.group!.exportSecret("end", Buffer.alloc(0), 16), rosterOf(first.group!)];
    // Who lost its signature key and was added by the new one is in it twice.
    expect([...new Set(roster)].sort()).toEqual(names);
    for (const { group } of present) {
      expect(group!.epoch).toBe(this.ds.epoch);
      expect(group!.exportSecret("end", Buffer.alloc(0), 16)).toEqual(exported);
      expect(rosterOf(group!)).toEqual(roster);
    }
    expect(this.ds.observer?.ratchetTree() ?? first.group!.ratchetTree()).toEqual(first.group!.ratchetTree());
    await this.#talk(present, choices);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#losing);
    await Promise.all(this.members.map(({ client }) => client.close()));
  }

  async send(member: Member, choices: Choices): Promise<void> {
    const group = member.group!;
    const waiting = group.health().pendingProposals > 0;
    const message = await refusedWith(group.sendMessage(member.nextText()), "conflict");
    expect(message === undefined).toBe(waiting);
    if (message !== undefined) this.#deliver(message, member, choices);
  }

  async receive(member: Member, choices: Choices): Promise<void> {
    const count = 1 + choices.below(4);
    for (let i = 0; i < count && member.isInGroup && member.inbox.length > 0; i++) {
      await member.receive(this.ds, member.inbox.shift()!);
    }
  }

  async receiveMany(member: Member, choices: Choices): Promise<void> {
    await member.receiveAll(this.ds, member.inbox.splice(0, 1 + choices.below(30)));
  }

  async receiveDamaged(member: Member, choices: Choices): Promise<void> {
    const damaged = Buffer.from(choices.one(member.inbox));
    damaged[choices.below(damaged.length)]! ^= 1 << choices.below(8);
    const { kind } = await member.receive(this.ds, damaged);
    expect(["rejected", "stale", "future", "duplicate", "ownEcho"]).toContain(kind);
  }

  async propose(member: Member, choices: Choices): Promise<void> {
    const group = member.group!;
    const { epoch } = group;
    const proposal = await refusedWith(this.proposal(member, choices), "invalid");
    if (proposal !== undefined) await this.#proposed(member, epoch, proposal, choices);
  }

  async leave(member: Member, choices: Choices): Promise<void> {
    const { epoch } = member.group!;
    await this.#proposed(member, epoch, await member.group!.leave(), choices);
  }

  async commit(member: Member, choices: Choices): Promise<void> {
    const group = member.group!;
    const options = await this.commitOptions(group, choices);
    if (group.pendingCommit !== undefined) {
      await expect(group.commit(options)).rejects.toMatchObject({ code: "conflict" });
      return;
    }
    await group.commit(options);
    if (choices.percent(60)) await this.publish(member, choices);
  }

  async publish(member: Member, choices: Choices): Promise<void> {
    const group = member.group!;
    const pending = group.pendingCommit!;
    const { commit, groupInfo } = pending;
    if (member.strayed || !(await this.ds.commit(group.epoch, commit, groupInfo))) {
      if (choices.percent(50) && !member.strayed) await this.rebase(member, choices);
      return;
    }
    this.#deliver(commit, member, choices);
    this.#welcome(group, pending);
    if (choices.percent(15)) return; // it will learn from the echo that it was accepted
    await pending.confirm();
    await pending.confirm();
    this.ds.agree(group.epoch, group.epochAuthenticator(), member.name);
  }

  async rebase(member: Member, choices: Choices): Promise<void> {
    const pending = member.group!.pendingCommit!;
    await member.catchUp(this.ds);
    const { group } = member;
    if (group === undefined || pending.state === "confirmed") return;
    if (group.pendingCommit !== undefined && group.pendingCommit !== pending) return;
    const again = await refusedWith(pending.rebase(), "conflict");
    if (again !== undefined && choices.percent(70)) await this.publish(member, choices);
  }

  async discard(member: Member): Promise<void> {
    const pending = member.group!.pendingCommit!;
    if (this.isTaken(member)) return;
    await pending.discard();
    expect(pending.state).toBe("discarded");
  }

  /** Confirms what was not taken. */
  async stray(member: Member): Promise<void> {
    const pending = member.group!.pendingCommit!;
    if (this.isTaken(member)) return;
    member.strayed = true;
    await pending.confirm();
  }

  async join(member: Member): Promise<void> {
    const group = await refusedWith(member.client.joinGroup(member.welcomes.pop()!), "conflict", "missing");
    if (group === undefined) return;
    member.enter(group);
    this.ds.agree(group.epoch, group.epochAuthenticator(), member.name);
  }

  async joinExternal(member: Member, choices: Choices): Promise<void> {
    const { epoch } = this.ds;
    const commit = await member.resync(this.ds);
    const group = member.group!;
    expect(await this.ds.commit(epoch, commit, await group.groupInfo())).toBe(true);
    this.#deliver(commit, member, choices);
    this.ds.agree(group.epoch, group.epochAuthenticator(), member.name);
  }

  async catchUp(member: Member): Promise<void> {
    await member.catchUp(this.ds);
  }

  async crash(member: Member, choices: Choices): Promise<void> {
    await crash(this, member, choices);
  }

  /** The device is lost in the middle of an operation; the name alone is left. */
  async lose(member: Member, choices: Choices): Promise<void> {
    const { client, group, inbox } = member;
    const busy = choices.one([
      () => group!.commit({ update: true }),
      () => group!.proposeUpdate(),
      () => group!.receiveMessages(inbox),
      () => client.createKeyPackage(),
      () => group!.groupInfo(),
    ])();
    // What goes on there now is of no more interest than that it ends, and leaves nothing behind.
    this.#losing.push(Promise.allSettled([busy]).then(() => client.close()));
    await member.start();
    if (choices.percent(70)) await this.joinExternal(member, choices);
  }

  #can(member: Member, kind: Operation["kind"]): boolean {
    const { group } = member;
    if (kind === "join") return group === undefined && member.welcomes.length > 0;
    if (group === undefined) return kind === "joinExternal" || kind === "crash";
    if (kind === "joinExternal") return member.strayed;
    if (kind === "receive" || kind === "receiveMany" || kind === "receiveDamaged") return member.inbox.length > 0;
    if (kind === "commit") return true;
    const hasPending = group.pendingCommit !== undefined;
    return ["publish", "rebase", "discard", "stray"].includes(kind) ? hasPending && !member.strayed : true;
  }

  async proposal(member: Member, choices: Choices): Promise<Buffer> {
    const group = member.group!;
    switch (choices.below(6)) {
      case 0: {
        const outsider = this.members.find(({ isInGroup }) => !isInGroup) ?? member;
        return group.proposeAdd(await keyPackageOf(outsider));
      }
      case 1:
        return group.proposeRemove(choices.one(group.members()).leafIndex);
      case 2:
        return group.proposePsk(choices.percent(50) ? { external: "shared" } : { epoch: group.epoch });
      case 3:
        return group.proposeGroupContextExtensions([]);
      default:
        return group.proposeUpdate();
    }
  }

  async #proposed(member: Member, epoch: bigint, proposal: Buffer, choices: Choices): Promise<void> {
    if (member.strayed || !(await this.ds.propose(epoch, proposal))) return;
    this.#deliver(proposal, member, choices);
  }

  async commitOptions(group: Group, choices: Choices): Promise<CommitOptions> {
    const outsiders = this.members.filter(({ isInGroup }) => !isInGroup);
    const add = await Promise.all(choices.some(outsiders, choices.below(4)).map(keyPackageOf));
    if (choices.percent(20)) add.splice(choices.below(add.length + 1), 0, Buffer.from("no key package"));
    const others = group.members().filter(({ leafIndex }) => leafIndex !== group.ownLeafIndex);
    const remove = choices.percent(25) ? choices.some(others, 1 + choices.below(2)) : [];
    return {
      add,
      remove: remove.map(({ leafIndex }) => leafIndex),
      update: choices.percent(30),
      ...(choices.percent(15) ? { psks: [{ external: "shared" }] } : {}),
      ...(choices.percent(10) ? { extensions: [] } : {}),
      ...(choices.percent(15) ? { proposals: false } : {}),
      ratchetTree: true,
    };
  }

  #deliver(message: Buffer, sender: Member, choices: Choices): void {
    this.ds.deliver(message, sender, this.members, choices);
  }

  #welcome(group: Group, { welcome, prepared }: PendingCommit): void {
    if (welcome === undefined) return;
    const before = new Set(Array.from(group.publicEpoch.tree.members(), ([, leaf]) => hexOf(leaf.bytes)));
    const added = [...prepared.staged.next.tree.members()].filter(([, leaf]) => {
      return leaf.value.leafNodeSource === LeafNodeSource.keyPackage && !before.has(hexOf(leaf.bytes));
    });
    const names = new Set(added.map(([, leaf]) => identityOf(leaf.value.credential).toString()));
    for (const member of this.members) if (names.has(member.name)) member.welcomes.push(welcome);
  }

  /** The pending commit of a member was taken, which it does not know yet. */
  isTaken({ group }: Member): boolean {
    const taken = this.ds.accepted.get(group!.epoch);
    return taken !== undefined && group!.pendingCommit!.commit.equals(taken.commit);
  }

  /** Whoever is in the tree and holds no group comes back. */
  async #removeLost(choices: Choices): Promise<void> {
    for (const member of this.members) await member.catchUp(this.ds);
    const present = this.members.find(({ isInGroup }) => isInGroup);
    if (present === undefined) return;
    const names = new Set(rosterOf(present.group!));
    for (const member of this.members) {
      if (!member.isInGroup && names.has(member.name)) await this.joinExternal(member, choices);
    }
  }

  async #talk(present: readonly Member[], choices: Choices): Promise<void> {
    const sender = choices.one(present);
    if (sender.group!.health().pendingProposals > 0) return;
    const message = await sender.group!.sendMessage(sender.nextText());
    for (const member of present) {
      const { kind } = await member.receive(this.ds, message);
      expect(kind).toBe(member === sender ? "ownEcho" : "application");
    }
  }
}

function keyPackageOf({ client }: Member): Promise<Buffer> {
  return client.createKeyPackage();
}

function rosterOf(group: Group): string[] {
  return group.members().map(({ identity }) => identity!.toString());
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
