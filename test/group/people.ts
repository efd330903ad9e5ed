import { expect } from "@jest/globals";
import { Client, type ClientOptions, type Group, type PendingCommit, type Received } from "tinymls";

export interface Person {
  readonly client: Client;
  readonly group: Group;
}

/** Clients in one group, in the order of their leaves: m0, m1, ... */
export async function groupOf(count: number, options: Partial<ClientOptions> = {}): Promise<Person[]> {
  const clients = await Promise.all(
    Array.from({ length: count }, (_, i) => Client.create({ identity: `m${i}`, ...options })),
  );
  const [first, ...others] = clients as [Client, ...Client[]];
  const group = await first.createGroup();
  if (others.length === 0) return [{ client: first, group }];
  const pending = await group.commit({ add: await Promise.all(others.map((client) => client.createKeyPackage())) });
  await pending.confirm();
  const joined = others.map(async (client) => ({ client, group: await client.joinGroup(pending.welcome!) }));
  return [{ client: first, group }, ...(await Promise.all(joined))];
}

/** Closes all clients. */
export async function close(people: readonly { readonly client: Client }[]): Promise<void> {
  await Promise.all(people.map(({ client }) => client.close()));
}

/** Confirms a commit and has the others take it in. */
export async function deliver(pending: PendingCommit, ...others: readonly Group[]): Promise<void> {
  await pending.confirm();
  for (const group of others) expect(await group.receiveMessage(pending.commit)).toMatchObject({ kind: "commit" });
}

export function expectSameEpoch(...groups: readonly Group[]): void {
  expect(new Set(groups.map((group) => group.epochAuthenticator().toString("hex"))).size).toBe(1);
}

/** What can be told of a group from outside: a refused call has to leave it as it is. */
export function viewOf(group: Group): object {
  return {
    epoch: group.epoch,
    authenticator: group.epochAuthenticator(),
    tree: group.ratchetTree(),
    health: healthOf(group),
    pending: group.pendingCommit,
  };
}

/** Without what goes by the time of day, and forks that were noticed: that is to be told of refused messages. */
export function healthOf(group: Group): object {
  const { retained, forkNoticedAt: _, ...rest } = group.health();
  return { ...rest, pastEpochs: retained.pastEpochs, messageKeys: retained.messageKeys };
}

/** What came, in short. */
export function summary(outcome: Received): string {
  if (outcome.kind === "application") return `application ${outcome.data.toString()}`;
  return outcome.kind === "rejected" ? `rejected ${outcome.rule ?? outcome.code}` : outcome.kind;
}
