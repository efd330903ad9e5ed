// One member of the demonstration, a process of its own: it has its own keys, and nothing but messages reaches it.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer, connect, type AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { Client } from "../../../mls/client.js";
import type { CommitOptions } from "../../../mls/group/build-commit.js";
import type { Group } from "../../../mls/group.js";
import type { PendingCommit } from "../../../mls/pending-commit.js";
import type { Received } from "../../../mls/group/received.js";
import type { Storage } from "../../../storage/port.js";
import { SqliteStorage } from "../../../storage/sqlite/sqlite-storage.js";

/** Where a member keeps its state, and what it is sealed under. */
export interface Kept {
  readonly path: string;
  readonly key: Buffer;
}

/** What came of a message, as it crosses between processes. */
export interface Outcome {
  readonly kind: Received["kind"];
  readonly text?: string;
  readonly sender?: string;
  readonly generation?: number;
  readonly selfRemoved?: boolean;
  readonly rule?: string | undefined;
}

export interface Published {
  readonly commit: Buffer;
  readonly welcome: Buffer | undefined;
}

export interface View {
  readonly epoch: bigint;
  readonly members: string[];
  readonly authenticator: string;
}

let client: Client;
let storage: Storage | undefined;
let group: Group;
let pending: PendingCommit | undefined;
let incoming: Promise<string> | undefined;

const label = "tinymls demo file";

/** The calls that the delivery service makes. */
export const calls = {
  /** With `kept`, as its file has it. */
  async start(identity: string, kept?: Kept): Promise<void> {
    if (kept === undefined) {
      client = await Client.create({ identity });
      return;
    }
    storage = await SqliteStorage.open(kept.path);
    client = await Client.create({ identity, storage, storageKey: { key: kept.key } });
    kept.key.fill(0);
  },
  /** The group as the file has it; gives the commit that waits in it. */
  async resume(): Promise<Published | undefined> {
    const [groupId] = await client.groups();
    group = (await client.loadGroup(groupId!))!;
    pending = group.pendingCommit;
    return pending && { commit: pending.commit, welcome: pending.welcome };
  },
  keyPackage: (): Promise<Buffer> => client.createKeyPackage(),
  async createGroup(): Promise<void> {
    group = await client.createGroup();
  },
  async join(welcome: Buffer): Promise<void> {
    group = await client.joinGroup(welcome);
  },
  async joinExternally(groupInfo: Buffer): Promise<Buffer> {
    const joined = await client.joinExternal(groupInfo);
    group = joined.group;
    return joined.commit;
  },
  groupInfo: (): Promise<Buffer> => group.groupInfo(),
  async prepare(options: CommitOptions): Promise<Published> {
    pending = await group.commit(options);
    return { commit: pending.commit, welcome: pending.welcome };
  },
  async rebase(): Promise<Published> {
    pending = await pending!.rebase();
    return { commit: pending.commit, welcome: pending.welcome };
  },
  confirm: (): Promise<void> => pending!.confirm(),
  pendingState: (): string | undefined => pending?.state,
  proposeUpdate: (): Promise<Buffer> => group.proposeUpdate(),
  send: (text: string): Promise<Buffer> => group.sendMessage(text),
  /** Many at once, to be measured. */
  async sendMany(count: number): Promise<Buffer[]> {
    const messages: Buffer[] = [];
    for (let i = 0; i < count; i++) messages.push(await group.sendMessage(`message ${i}`));
    return messages;
  },
  async receive(message: Buffer): Promise<Outcome> {
    return outcomeOf(await group.receiveMessage(message));
  },
  async receiveMany(messages: Buffer[]): Promise<{ applications: number; milliseconds: number }> {
    const start = performance.now();
    const outcomes = await group.receiveMessages(messages);
    const applications = outcomes.filter(({ kind }) => kind === "application").length;
    return { applications, milliseconds: performance.now() - start };
  },
  leafIndexOf(identity: string): number | undefined {
    return group.members().find((member) => member.identity.toString() === identity)?.leafIndex;
  },
  view(): View {
    return {
      epoch: group.epoch,
      members: group.members().map((member) => member.identity.toString()),
      authenticator: group.epochAuthenticator().toString("hex"),
    };
  },
  /** Waits for a file on a port of this machine; `receivedFile` gives its digest. */
  listen(): Promise<number> {
    const context = group.openContext(label);
    return new Promise((resolve) => {
      const server = createServer((socket) => {
        const hash = createHash("sha256");
        incoming = pipeline(socket, context.createDecryptStream(), hash).then(() => hash.digest("hex"));
        incoming.catch(() => undefined); // told by receivedFile
        void incoming.finally(() => context.close());
        server.close();
      });
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  },
  async receivedFile(): Promise<string> {
    return incoming!;
  },
  async sendFile(path: string, port: number): Promise<void> {
    const context = group.openContext(label);
    try {
      await pipeline(createReadStream(path), context.createEncryptStream(), connect(port, "127.0.0.1"));
    } finally {
      context.close();
    }
  },
  async stop(): Promise<void> {
    await client.close();
    await storage?.close();
  },
} as const;

export type Calls = typeof calls;

function outcomeOf(received: Received): Outcome {
  switch (received.kind) {
    case "application": {
      const { kind, data, sender, generation } = received;
      return { kind, text: data.toString(), sender: sender.identity.toString(), generation };
    }
    case "commit":
      return { kind: received.kind, selfRemoved: received.selfRemoved };
    case "rejected":
      return { kind: received.kind, rule: received.rule ?? received.code };
    default:
      return { kind: received.kind };
  }
}

interface Request {
  readonly id: number;
  readonly name: keyof Calls;
  readonly args: unknown[];
}

const callable: Readonly<Record<string, (...args: never[]) => unknown>> = calls;

process.on("message", ({ id, name, args }: Request) => {
  Promise.resolve()
    .then(() => callable[name]!(...(args as never[])))
    .then(
      (result) => process.send!({ id, result }),
      (error: unknown) => process.send!({ id, error: error instanceof Error ? error.message : String(error) }),
    );
});
process.on("disconnect", () => process.exit());
