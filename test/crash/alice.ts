import { Client, type Group, type Received, type Storage } from "tinymls";
import { pskId, type Answer, type Request } from "./protocol.js";

/** Does what she is asked for, one thing at a time, and says what came of it. */
export class Alice {
  readonly #client: Client;
  #group: Group | undefined;

  private constructor(client: Client, group: Group | undefined) {
    this.#client = client;
    this.#group = group;
  }

  static async open(storage: Storage, leaseMs: number): Promise<Alice> {
    const client = await Client.create({
      identity: "alice",
      storage,
      storageKey: { key: Buffer.alloc(32, 7) },
      leaseMs,
    });
    try {
      const [groupId] = await client.groups();
      return new Alice(client, groupId && (await client.loadGroup(groupId)));
    } catch (error) {
      // It may hold the group all the same, as long as it lives: where the write was done and its answer lost.
      await client.close().catch(() => undefined);
      throw error;
    }
  }

  get found(): string {
    return this.#group === undefined ? "new" : "loaded";
  }

  async answer(request: Request): Promise<Answer> {
    switch (request.ask) {
      case "keyPackage":
        return { data: await this.#client.createKeyPackage() };
      case "join":
        this.#group = await this.#client.joinGroup(request.data);
        return {};
      case "visit":
        return { data: ((await this.#visited()) ?? (await this.#client.joinGroup(request.data))).epochAuthenticator() };
      case "leave":
        await (await this.#visited())?.close({ forget: true });
        return { kind: `${(await this.#client.groups()).length}` };
      case "psk":
        await this.#client.addPsk(pskId, request.data);
        return {};
      default:
        return this.#inGroup(request, this.#group!);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #inGroup(request: Request, group: Group): Promise<Answer> {
    switch (request.ask) {
      case "send":
        return { data: await group.sendMessage(request.data) };
      case "receive":
        return told(await group.receiveMessage(request.data));
      case "propose":
        return { data: await group.proposeUpdate() };
      case "commit":
        return { data: (await group.commit({ update: true })).commit };
      case "confirm":
        await group.pendingCommit?.confirm();
        return {};
      case "discard":
        await group.pendingCommit?.discard();
        return {};
      case "rebase":
        return { data: (await group.pendingCommit!.rebase()).commit };
      case "look":
        // Reads the state again, where it could not be when a write had failed.
        await group.groupInfo();
        return { epoch: group.epoch, data: group.epochAuthenticator(), pending: group.pendingCommit?.commit };
      default:
        throw new Error(`no answer to ${request.ask}`);
    }
  }

  /** The group besides that with Bob. */
  async #visited(): Promise<Group | undefined> {
    const [, groupId] = await this.#client.groups();
    return groupId && (await this.#client.loadGroup(groupId));
  }
}

function told(outcome: Received): Answer {
  const data = outcome.kind === "application" ? outcome.data : undefined;
  return { kind: outcome.kind === "rejected" ? `rejected ${outcome.rule}` : outcome.kind, data };
}
