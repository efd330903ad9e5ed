import { randomBytes } from "node:crypto";
import { Client, type Group } from "tinymls";
import { pskId, type Answer, type Request } from "./protocol.js";
import type { Subject } from "./subject.js";

/** In which she is disturbed. */
export const operations = [
  "send",
  "receive",
  "proposed",
  "commit",
  "confirm",
  "superseded",
  "rebase",
  "psk",
  "keyPackage",
  "join",
  "forget",
  "renewal",
  "start",
] as const;
/** Messages asked for at once: a sender reserves 16 generations, then 32, then 64. */
const burstLength = 120;
type Operation = (typeof operations)[number];

interface Disturbances {
  count: number;
  /** Of them, those before the operation was answered. */
  unanswered: number;
  /** Of them, those while the storage was writing. */
  inWrite: number;
}

export type CrashReport = Readonly<Record<Operation, Readonly<Disturbances>>>;

/** A fact that has to hold after a crash and does not. */
class Broken extends Error {}

function require(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

/**
 * Alice works on a storage, and is disturbed in the middle of her operations: killed, or by faults of the storage. Bob is the peer who
 * notices what she lost, repeats or does not understand any more.
 */
export class Crashes {
  readonly #alice: Subject;
  readonly #bob: Client;
  readonly #random: () => number;
  readonly #group: Group;
  /** Epoch and generation of all that Alice sent. */
  readonly #seen = new Set<string>();
  /** What Alice acknowledged as received. */
  readonly #acknowledged: Buffer[] = [];
  readonly #report = Object.fromEntries(
    operations.map((name) => [name, { count: 0, unanswered: 0, inWrite: 0 }]),
  ) as Record<Operation, Disturbances>;
  #sent = 0;

  private constructor(alice: Subject, bob: Client, group: Group, random: () => number) {
    this.#alice = alice;
    this.#bob = bob;
    this.#group = group;
    this.#random = random;
  }

  /** Disturbs Alice, who has an empty storage, so many times, and ends her. @throws Error that says what does not hold */
  static async run(alice: Subject, count: number, random = Math.random): Promise<CrashReport> {
    const bob = await Client.create({ identity: "bob" });
    try {
      require((await alice.start()) === "new", "the storage is empty");
      const { data: keyPackage } = await alice.ask({ ask: "keyPackage" });
      const group = await bob.createGroup();
      const pending = await group.commit({ add: [keyPackage!] });
      await pending.confirm();
      const joining = { ask: "join", data: pending.welcome! } as const;
      await alice.disturb(joining);
      if ((await alice.start()) === "new") await alice.ask(joining);
      const crashes = new Crashes(alice, bob, group, random);
      for (let at = 0; at < count; at++) await crashes.#crash(operations[at % operations.length]!);
      return crashes.#report;
    } finally {
      await alice.remove();
      await bob.close();
    }
  }

  async #crash(operation: Operation): Promise<void> {
    try {
      await this[operation]();
      await this.#talk();
    } catch (error) {
      throw new Error(`after a disturbance in ${operation}: ${(error as Error).message}`, { cause: error });
    }
  }

  async send(): Promise<void> {
    const burst = Array.from({ length: burstLength }, () => ({ ask: "send", data: Buffer.from("in flight") }) as const);
    const answers = await this.#alice.disturbAll(burst);
    await this.#restart("send", answers.length < burstLength);
    for (const answer of answers) await this.#deliver(answer);
  }

  async receive(): Promise<void> {
    const skipped = await this.#group.sendMessage("passed over");
    const data = await this.#group.sendMessage("in flight");
    const answer = await this.#disturb("receive", { ask: "receive", data });
    const again = await this.#alice.ask({ ask: "receive", data });
    if (answer !== undefined) this.#requireKnown(again);
    else require(["application", "duplicate"].includes(again.kind!), `what was not is ${again.kind}`);
    this.#acknowledged.push(data);
    require((await this.#alice.ask({ ask: "receive", data: skipped })).kind === "application", "a skipped key is lost");
  }

  async proposed(): Promise<void> {
    const answer = await this.#disturb("proposed", { ask: "propose" });
    if (answer !== undefined) await this.#bobTakes(answer.data!, "proposal");
    await this.#bobCommits();
  }

  async commit(): Promise<void> {
    await this.#disturb("commit", { ask: "commit" });
    const { pending } = await this.#alice.ask({ ask: "look" });
    if (pending === undefined) return;
    if (this.#random() < 0.3) return void (await this.#alice.ask({ ask: "discard" }));
    await this.#bobTakes(pending, "commit");
    await this.#alice.ask({ ask: "confirm" });
  }

  async confirm(): Promise<void> {
    const { data } = await this.#alice.ask({ ask: "commit" });
    await this.#bobTakes(data!, "commit");
    const answer = await this.#disturb("confirm", { ask: "confirm" });
    const { pending, epoch } = await this.#alice.ask({ ask: "look" });
    if (answer !== undefined) require(pending === undefined, "a commit that was confirmed is pending");
    if (pending === undefined) require(epoch === this.#group.epoch, "the commit is lost");
    else require(Buffer.compare(pending, data!) === 0, "another commit is pending");
    await this.#alice.ask({ ask: "confirm" });
  }

  async superseded(): Promise<void> {
    const data = await this.#rival();
    await this.#disturb("superseded", { ask: "receive", data });
    const { kind } = await this.#alice.ask({ ask: "receive", data });
    require(["commit", "stale"].includes(kind!), `the commit of the peer is ${kind}`);
    require((await this.#alice.ask({ ask: "look" })).pending === undefined, "a superseded commit is pending");
  }

  async rebase(): Promise<void> {
    await this.#alice.ask({ ask: "commit" });
    const answer = await this.#disturb("rebase", { ask: "rebase" });
    const { pending } = await this.#alice.ask({ ask: "look" });
    if (answer !== undefined) require(Buffer.compare(answer.data!, pending!) === 0, "the commit made anew is lost");
    // Dropping the old one and writing the new one is one step.
    await this.#bobTakes(pending!, "commit");
    await this.#alice.ask({ ask: "confirm" });
  }

  /** With a new PSK in place of the one before. */
  async psk(): Promise<void> {
    const psk = randomBytes(32);
    const answer = await this.#disturb("psk", { ask: "psk", data: psk });
    if (answer === undefined) await this.#alice.ask({ ask: "psk", data: psk });
    await this.#bob.addPsk(pskId, psk);
    const pending = await this.#group.commit({ psks: [{ external: pskId }] });
    await pending.confirm();
    const { kind } = await this.#alice.ask({ ask: "receive", data: pending.commit });
    require(kind === "commit", `a commit with the PSK is ${kind}`);
  }

  async keyPackage(): Promise<void> {
    const answer = await this.#disturb("keyPackage", { ask: "keyPackage" });
    const { data } = answer ?? (await this.#alice.ask({ ask: "keyPackage" }));
    const { group, welcome } = await this.#invited(data!);
    await this.#visit(group, welcome);
    await this.#leave();
  }

  async join(): Promise<void> {
    const { data } = await this.#alice.ask({ ask: "keyPackage" });
    const { group, welcome } = await this.#invited(data!);
    await this.#disturb("join", { ask: "visit", data: welcome });
    await this.#visit(group, welcome);
    await this.#leave();
  }

  async forget(): Promise<void> {
    const { data } = await this.#alice.ask({ ask: "keyPackage" });
    const { group, welcome } = await this.#invited(data!);
    await this.#visit(group, welcome);
    await this.#disturb("forget", { ask: "leave" });
    await this.#leave();
  }

  /** While she does nothing but keep her hold on the group. */
  async renewal(): Promise<void> {
    await this.#alice.disturbRenewal();
    await this.#restart("renewal", this.#alice.wasWriting);
  }

  /** Between opening the storage, taking the hold of the process that died before, and having loaded the group. */
  async start(): Promise<void> {
    await this.#sendOne();
    await this.#restart("start", await this.#alice.disturbStart());
  }

  /** Another group of Bob's that a key package of Alice was added to. */
  async #invited(keyPackage: Uint8Array): Promise<{ readonly group: Group; readonly welcome: Buffer }> {
    const group = await this.#bob.createGroup();
    const pending = await group.commit({ add: [keyPackage] });
    await pending.confirm();
    return { group, welcome: pending.welcome! };
  }

  async #visit(group: Group, welcome: Buffer): Promise<void> {
    const { data } = await this.#alice.ask({ ask: "visit", data: welcome });
    require(group.epochAuthenticator().equals(data!), "the epoch that was joined is another");
    await group.close({ forget: true });
  }

  async #leave(): Promise<void> {
    require((await this.#alice.ask({ ask: "leave" })).kind === "1", "a group that was forgotten is there");
  }

  /** Alice has a commit pending when that of Bob wins. */
  async #rival(): Promise<Buffer> {
    await this.#alice.ask({ ask: "commit" });
    const pending = await this.#group.commit({ update: true });
    await pending.confirm();
    return pending.commit;
  }

  async #bobCommits(): Promise<void> {
    const pending = await this.#group.commit();
    await pending.confirm();
    const { kind } = await this.#alice.ask({ ask: "receive", data: pending.commit });
    require(kind === "commit", `a commit of the peer is ${kind}`);
  }

  async #disturb(operation: Operation, request: Request): Promise<Answer | undefined> {
    const answer = await this.#alice.disturb(request);
    await this.#restart(operation, answer === undefined);
    return answer;
  }

  async #restart(operation: Operation, inTime: boolean): Promise<void> {
    const report = this.#report[operation];
    report.count++;
    if (inTime) report.unanswered++;
    if (this.#alice.wasWriting) report.inWrite++;
    require((await this.#alice.start()) === "loaded", "the group is lost");
  }

  async #talk(): Promise<void> {
    const { data, epoch } = await this.#alice.ask({ ask: "look" });
    require(epoch === this.#group.epoch, `epoch ${epoch} instead of ${this.#group.epoch}`);
    require(this.#group.epochAuthenticator().equals(data!), "the epochs differ");
    await this.#sendOne();
    const message = await this.#group.sendMessage("back");
    require((await this.#alice.ask({ ask: "receive", data: message })).kind ===
      "application", "a message is not opened");
    this.#acknowledged.push(message);
    for (const known of this.#acknowledged.splice(0, Math.max(0, this.#acknowledged.length - 4))) {
      this.#requireKnown(await this.#alice.ask({ ask: "receive", data: known }));
    }
  }

  /** @param of a message that she acknowledged before */
  #requireKnown({ kind }: Answer): void {
    const kinds = ["duplicate", "stale", ...(this.#alice.forgetsReceived ? ["application"] : [])];
    require(kinds.includes(kind!), `what was acknowledged is ${kind}`);
  }

  async #sendOne(): Promise<void> {
    await this.#deliver(await this.#alice.ask({ ask: "send", data: Buffer.from(`message ${this.#sent++}`) }));
  }

  async #deliver({ data }: Answer): Promise<void> {
    const received = await this.#group.receiveMessage(data!);
    require(received.kind === "application", `a message of Alice is ${received.kind}`);
    const use = `${received.epoch}/${received.generation}`;
    require(!this.#seen.has(use), `generation ${use} is used twice`);
    this.#seen.add(use);
  }

  async #bobTakes(message: Uint8Array, kind: string): Promise<void> {
    const received = await this.#group.receiveMessage(message);
    require(received.kind === kind, `a ${kind} of Alice is ${received.kind}`);
  }
}
