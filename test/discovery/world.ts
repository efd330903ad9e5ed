import { Client, identityOf, type Group } from "tinymls";
import { signature, type PrivateKey } from "tinymls/crypto";
import { GroupDirectory, publicationExtension, type DirectoryOptions, type Publisher } from "tinymls/discovery";
import {
  decode,
  encode,
  GroupInfoTBS,
  MLSMessage,
  WireFormat,
  type Credential,
  type GroupInfo,
} from "tinymls/messages";
import { suiteOf } from "#dist/mls/suite/index.js";

export const hour = 3600 * 1000;
export const begin = 1_800_000_000_000;

export interface Person {
  readonly name: string;
  readonly client: Client;
  readonly key: PrivateKey;
}

/** Some who have accounts, an authentication service that knows their keys, a clock. */
export class World {
  now = begin;
  readonly keys = new Map<string, string>();
  readonly people: Person[] = [];

  async person(name: string): Promise<Person> {
    const key = signature.generateKeyPair("Ed25519");
    const client = await Client.create({ identity: name, signatureKey: key, now: () => this.now });
    this.keys.set(Buffer.from(key.publicKey).toString("hex"), name);
    const person = { name, client, key };
    this.people.push(person);
    return person;
  }

  /** Takes an account away. */
  revoke({ key }: Person): void {
    this.keys.delete(Buffer.from(key.publicKey).toString("hex"));
  }

  readonly authentication = {
    validateCredential: (credential: Credential, key: Uint8Array): boolean =>
      this.keys.get(Buffer.from(key).toString("hex")) === identityOf(credential).toString(),
  };

  readonly options: DirectoryOptions = {
    authentication: this.authentication,
    mayPublish: () => true,
    now: () => this.now,
  };

  directory(options: Partial<DirectoryOptions> = {}): Promise<GroupDirectory> {
    return GroupDirectory.open({ ...this.options, ...options });
  }

  /** A publication of the current epoch, from `now` on unless another time is given. */
  publication(group: Group, lifetimeMs = 24 * hour, from = this.now): Promise<Buffer> {
    return group.groupInfo({ extensions: [publicationExtension(from, lifetimeMs)] });
  }

  async close(): Promise<void> {
    for (const { client, key } of this.people) {
      await client.close();
      key.dispose();
    }
  }
}

/** Only these may publish, by name. */
export const mayPublish =
  (...names: string[]) =>
  ({ identity }: Publisher) =>
    names.includes(identity.toString());

/** All of them are in one group, which the first begins. */
export async function groupOf(first: Person, ...others: Person[]): Promise<Group[]> {
  const group = await first.client.createGroup();
  if (others.length === 0) return [group];
  const add = await Promise.all(others.map(({ client }) => client.createKeyPackage()));
  const pending = await group.commit({ add });
  await pending.confirm();
  const joined = await Promise.all(others.map(({ client }) => client.joinGroup(pending.welcome!)));
  return [group, ...joined];
}

/** Each of the groups goes to the next epoch by a commit of the first. */
export async function advance(groups: readonly Group[], epochs = 1): Promise<void> {
  const [first, ...others] = groups;
  for (let done = 0; done < epochs; done++) {
    const pending = await first!.commit();
    await pending.confirm();
    for (const group of others) await group.receiveMessage(pending.commit);
  }
}

export function groupInfoOf(publication: Uint8Array): GroupInfo {
  const message = decode(MLSMessage, publication);
  if (message.wireFormat !== WireFormat.mlsGroupInfo) throw new Error("no GroupInfo");
  return message.groupInfo;
}

/** A publication with something else in it, signed anew by whoever holds the key. */
export function resigned(
  publication: Uint8Array,
  key: PrivateKey,
  change: (info: GroupInfo) => Partial<GroupInfo>,
): Buffer {
  const info = groupInfoOf(publication);
  const changed = { ...info, ...change(info) };
  const { signature: _, ...tbs } = changed;
  const suite = suiteOf(info.groupContext.cipherSuite);
  const groupInfo = { ...tbs, signature: suite.signWithLabel(key, "GroupInfoTBS", encode(GroupInfoTBS, tbs)) };
  return encode(MLSMessage, { version: 1, wireFormat: WireFormat.mlsGroupInfo, groupInfo });
}
