/** The actors of one run of a scenario, each at a server, and what they sent. */
import { randomBytes } from "node:crypto";
import type { RemoteClient } from "../../interop/grpc.js";
import type { ProposalDescription, Request, Response, Rpc } from "../../interop/messages.js";
import { extensions, flag, index, text, type Step } from "./script.js";

export interface Setting {
  readonly cipherSuite: number;
  /** For a ReInit that changes it. */
  readonly otherSuite: number;
  readonly encryptHandshake: boolean;
}

const none = Buffer.alloc(0);

export class World {
  readonly encryptHandshake: boolean;
  cipherSuite: number;
  readonly states = new Map<string, number>();
  readonly transactions = new Map<string, number>();
  readonly signers = new Map<string, number>();
  readonly #otherSuite: number;
  readonly #servers: ReadonlyMap<string, RemoteClient>;
  readonly #results: Record<string, Buffer>[] = [];
  groupId: Buffer = none;

  constructor(setting: Setting, servers: ReadonlyMap<string, RemoteClient>) {
    this.cipherSuite = setting.cipherSuite;
    this.encryptHandshake = setting.encryptHandshake;
    this.#otherSuite = setting.otherSuite;
    this.#servers = servers;
  }

  call<K extends Rpc>(actor: string, rpc: K, request: Partial<Request<K>>): Promise<Response<K>> {
    return this.#servers.get(actor)!.call(rpc, request);
  }

  stateId(actor: string): number {
    return known(this.states, actor, "state");
  }

  transactionId(actor: string): number {
    return known(this.transactions, actor, "transaction");
  }

  keep(step: number, results: Record<string, Buffer>): void {
    this.#results[step] = { ...this.#results[step], ...results };
  }

  result(step: number, name: string): Buffer {
    const value = this.#results[step]?.[name];
    if (value === undefined) throw new Error(`step ${step} left no ${name}`);
    return value;
  }

  changeSuite(): void {
    this.cipherSuite = this.#otherSuite;
  }

  /** The id of a group that follows the first one by a ReInit. */
  followingId(change: boolean): Buffer {
    return change ? Buffer.concat([this.groupId, Buffer.from("++")]) : this.groupId;
  }

  async createKeyPackage(actor: string): Promise<{ transactionId: number; keyPackage: Buffer }> {
    const identity = Buffer.from(actor);
    return this.call(actor, "CreateKeyPackage", { cipherSuite: this.cipherSuite, identity });
  }

  /** What a member would put into a commit by value, or an external sender into a proposal. */
  description(wanted: Step): ProposalDescription {
    const type = text(wanted, "proposaltype");
    if (type === "reinit" && flag(wanted, "changeciphersuite")) this.changeSuite();
    return {
      proposalType: Buffer.from(type),
      keyPackage: type === "add" ? this.result(index(wanted, "keypackage"), "keyPackage") : none,
      removedId: type === "remove" ? Buffer.from(text(wanted, "removed")) : none,
      pskId: type === "externalPSK" ? this.result(index(wanted, "pskid"), "pskId") : none,
      epochId: type === "resumptionPSK" ? String(index(wanted, "epochid")) : "0",
      extensions: extensions(wanted),
      groupId: type === "reinit" ? this.followingId(flag(wanted, "changegroupid")) : none,
      cipherSuite: this.cipherSuite,
    };
  }

  /** All see the same epoch: by its authenticator, and by a secret that they export. */
  async agree(actors: readonly string[], epochAuthenticator: Buffer): Promise<void> {
    const question = { label: "interop", context: randomBytes(8), keyLength: 32 };
    const answers = await Promise.all(
      actors.map(async (actor) => {
        const stateId = this.stateId(actor);
        const [{ stateAuthSecret }, { exportedSecret }] = await Promise.all([
          this.call(actor, "StateAuth", { stateId }),
          this.call(actor, "Export", { stateId, ...question }),
        ]);
        return { actor, stateAuthSecret, exportedSecret };
      }),
    );
    for (const { actor, stateAuthSecret, exportedSecret } of answers) {
      if (!stateAuthSecret.equals(epochAuthenticator)) throw new Error(`${actor} is in another epoch`);
      if (exportedSecret.byteLength !== 32) throw new Error(`${actor} exports ${exportedSecret.byteLength} octets`);
      if (!exportedSecret.equals(answers[0]!.exportedSecret)) throw new Error(`${actor} exports another secret`);
    }
  }

  /** Lets the servers forget all states. */
  async free(): Promise<void> {
    await Promise.all(Array.from(this.states, ([actor, stateId]) => this.call(actor, "Free", { stateId })));
  }
}

function known(map: ReadonlyMap<string, number>, actor: string, what: string): number {
  const id = map.get(actor);
  if (id === undefined) throw new Error(`${actor} has no ${what}`);
  return id;
}
