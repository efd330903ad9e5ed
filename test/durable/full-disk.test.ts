import { expect, test } from "@jest/globals";
import Database from "libsql";
import { join } from "node:path";
import { Client } from "tinymls";
import { SqliteStorage, type SqliteDatabase } from "tinymls/storage/sqlite";
import { summary } from "../group/people.js";
import { sqlitePlace, storageKey } from "./stores.js";

/** Lets the file grow by so many pages. */
function giveRoom(database: SqliteDatabase, pages: number): void {
  const { page_count: size } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.prepare(`PRAGMA max_page_count = ${size + pages}`).get();
}

test("a full disk: what does not fit is rejected, nothing is repeated, and the group goes on when there is room", async () => {
  const place = sqlitePlace();
  const database = new Database(join(place.folder, "state.db")) as unknown as SqliteDatabase;
  const storage = await SqliteStorage.open({ database });
  const alice = await Client.create({ identity: "alice", storage, storageKey });
  const bob = await Client.create({ identity: "bob" });
  const group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  const bobs = await bob.joinGroup(pending.welcome!);

  giveRoom(database, 0);
  const { epoch } = group;
  const full = { code: "storage" };
  const large = Buffer.alloc(200_000, 1);
  await expect(group.commit({ authenticatedData: large })).rejects.toMatchObject(full);
  expect(group.epoch).toBe(epoch);
  expect(group.pendingCommit).toBeUndefined();

  giveRoom(database, 10_000);
  const generations = new Set<number>();
  for (let round = 0; round < 3; round++) {
    const received = await bobs.receiveMessage(await group.sendMessage(`${round}`));
    expect(summary(received)).toBe(`application ${round}`);
    if (received.kind === "application") generations.add(received.generation);
  }
  expect(generations.size).toBe(3);
  const commit = await group.commit({ authenticatedData: large });
  expect((await bobs.receiveMessage(commit.commit)).kind).toBe("commit");
  await commit.confirm();
  expect(group.epochAuthenticator().equals(bobs.epochAuthenticator())).toBe(true);

  await Promise.all([alice.close(), bob.close()]);
  await storage.close();
  database.close();
  place.remove();
}, 30_000);
