// What a member and a fleet keep at rest: no secret of theirs is in the files of the database, and none of the vault or the fleet stays in
// memory when they are closed.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FleetRecords } from "#dist/context/fleet/records.js";
import { Suite } from "#dist/mls/suite/suite.js";
import { Client, Context, type Storage } from "tinymls";
import { decodeSecret } from "#dist/native/secret.js";
import { Secret, type PrivateKey } from "tinymls/crypto";
import { PostgresStorage } from "tinymls/storage/postgres";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { sqlitePlace } from "../durable/stores.js";
import { installed, PostgresServer, serverCommand } from "../storage/postgres-server.js";
import { SecretRecorder } from "./recorder.js";

const { begin } = FleetRecords.prototype as {
  begin: (this: FleetRecords, ...given: BeginParameters) => Promise<number>;
};
const { generateSignatureKeyPair } = Suite.prototype as { generateSignatureKeyPair: (this: Suite) => PrivateKey };
type BeginParameters = Parameters<FleetRecords["begin"]>;
let recorder: SecretRecorder;

beforeAll(() => {
  recorder = new SecretRecorder();
  recorder.start();
  FleetRecords.prototype.begin = function (record, ...rest) {
    recorder.note("fleet epoch", record.secret);
    return begin.call(this, record, ...rest);
  };
  Suite.prototype.generateSignatureKeyPair = function () {
    const key = generateSignatureKeyPair.call(this);
    recorder.note("signature key", key);
    return key;
  };
});

afterAll(() => {
  FleetRecords.prototype.begin = begin;
  Suite.prototype.generateSignatureKeyPair = generateSignatureKeyPair;
  recorder.stop();
});

function filesIn(folder: string): Buffer[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return paths.filter((path) => lstatSync(path).size > 0).map((path) => readFileSync(path));
}

/** Everything that is stored: keys, key packages, PSKs, epochs, skipped keys, proposals, a pending commit; epochs of a fleet. */
async function use(storage: Storage, look: () => Buffer[]): Promise<void> {
  const [key, psk] = [Secret.random(32), Secret.random(32)];
  const storageKey = { key: decodeSecret(key, (octets) => Buffer.from(octets)) };
  const alice = await Client.create({ identity: "alice", storage, storageKey });
  const bob = await Client.create({ identity: "bob" });
  await alice.addPsk("shared", psk);
  await alice.createKeyPackage();
  const group = await alice.createGroup();
  const added = await group.commit({ add: [await bob.createKeyPackage()] });
  await added.confirm();
  const bobs = await bob.joinGroup(added.welcome!);
  for (let round = 0; round < 3; round++) {
    await bobs.sendMessage("passed over");
    expect(await group.receiveMessage(await bobs.sendMessage("x"))).toMatchObject({ kind: "application" });
    expect(await bobs.receiveMessage(await group.sendMessage("y"))).toMatchObject({ kind: "application" });
    expect(look().length).toBeGreaterThan(0);
    expect(recorder.foundIn(look())).toEqual({});
    const commit = await bobs.commit({ update: true });
    await commit.confirm();
    expect(await group.receiveMessage(commit.commit)).toMatchObject({ kind: "commit" });
  }
  await group.proposeUpdate();
  await group.commit({ update: true });
  const fleet = await Context.open({ storage, name: "web", storageKey });
  fleet.encrypt("x");
  await fleet.rotate();
  expect(recorder.foundIn(look())).toEqual({});

  fleet.close();
  await Promise.all([alice.close(), bob.close()]);
  storageKey.key.fill(0);
  for (const secret of [key, psk]) secret.dispose();
}

/** What a search would find, if it were there. */
async function plant(storage: Storage, look: () => Buffer[]): Promise<void> {
  const planted = Secret.random(32);
  await storage.write([{ put: "planted", value: decodeSecret(planted, (octets) => Buffer.from(octets)) }]);
  expect(recorder.foundIn(look())).toEqual({ random: 1 });
  planted.dispose();
}

const title = "of the vault, the client, its groups and the fleet no secret is in memory once they are closed";
const reason = "only Linux shows a process its own memory as a file";
if (process.platform !== "linux") test.skip(`${title}: ${reason}`, () => undefined);
else
  test(
    title,
    async () => {
      const place = sqlitePlace();
      const storage = await SqliteStorage.open(join(place.folder, "state.db"));
      const start = recorder.count;
      let whileOpen: Record<string, number> | undefined;
      const look = (): Buffer[] => {
        whileOpen ??= recorder.found(start);
        return [Buffer.alloc(32)];
      };
      await use(storage, look);
      // Of the fleet only what is derived from an epoch stays.
      expect(Object.keys(whileOpen!)).toEqual(expect.arrayContaining(["random", "signature key", "exporter"]));
      expect(recorder.found(start)).toEqual({});
      await storage.close();
      place.remove();
    },
    120_000,
  );

describe("secrets at rest", () => {
  test("are in no file of SQLite", async () => {
    const place = sqlitePlace();
    const storage = await SqliteStorage.open(join(place.folder, "state.db"));
    await use(storage, () => filesIn(place.folder));
    await plant(storage, () => filesIn(place.folder));
    const kinds = [
      "random",
      "signature key",
      "fleet epoch",
      "generateHpkeKeyPair",
      "deriveKeyPair",
      "path",
      "init",
      "tree",
    ];
    expect(Object.keys(recorder.kinds)).toEqual(expect.arrayContaining(kinds));
    await storage.close();
    place.remove();
  }, 120_000);

  if (!installed) test.skip(`PostgreSQL: no server, install it with ${serverCommand}`, () => undefined);
  else
    test("are in no file of PostgreSQL", async () => {
      const server = new PostgresServer();
      await server.start();
      const { host, user, database } = server.address;
      const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
      const storage = await PostgresStorage.open({ connectionString });
      await use(storage, () => filesIn(join(server.folder, "data")));
      await plant(storage, () => filesIn(join(server.folder, "data")));
      await storage.close();
      await server.remove();
    }, 120_000);
});
