// Three members in three processes, and a delivery service between them that sees ciphertext alone.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { TinyMlsError } from "../../../errors.js";
import { loadDatabaseClass } from "../../../storage/sqlite/database.js";
import type { Part, Stage } from "../stage.js";
import { crashes } from "./crashes.js";
import { accept, agree, view, type Note, type Trio } from "./delivery.js";
import { Member } from "./member.js";
import type { Kept, Outcome } from "./member-process.js";

const fileSize = 16 * 2 ** 20;
const messagesEach = 300;

/** The main job of MLS: a group is made, grows, talks, resolves a race, loses and regains a member, survives crashes, and keys a file. */
export const groups: Part = {
  title: "A group of three processes",
  async run(stage) {
    const members: Member[] = [];
    const note: Note = (what, outcome, held) => stage.check(what, held, outcome);
    try {
      const kept = await keeping(stage);
      for (const name of ["alice", "bob", "carol"]) members.push(await Member.start(name, kept?.(name)));
      const trio = members as [Member, Member, Member];
      await found(trio, note);
      await talk(trio, note, stage);
      await update(trio, note);
      await race(trio, note);
      await removeAndReturn(trio, note);
      await tamper(trio, note);
      if (kept !== undefined) await crashes(trio, note);
      await streamFile(trio, note, stage);
      await Promise.all(members.map((member) => member.stop()));
    } finally {
      for (const member of members) member.kill();
    }
  },
};

/** Where members keep their state; undefined, and told, where there is no SQLite. */
async function keeping(stage: Stage): Promise<((name: string) => Kept) | undefined> {
  try {
    await loadDatabaseClass();
  } catch (error) {
    if (!(error instanceof TinyMlsError) || error.code !== "config") throw error;
    stage.skip("crashes and recoveries", `${error.message}; the members keep their state in memory`);
    return undefined;
  }
  stage.say("Each member keeps its state in a SQLite file, sealed under a random key.");
  return (name) => ({ path: join(stage.folder, `${name}.db`), key: randomBytes(32) });
}

async function found([alice, bob, carol]: Trio, note: Note): Promise<void> {
  await alice.call("createGroup");
  const add = await Promise.all([bob.call("keyPackage"), carol.call("keyPackage")]);
  const { welcome } = await alice.call("prepare", { add });
  await alice.call("confirm");
  for (const member of [bob, carol]) await member.call("join", welcome!);
  note("alice adds bob and carol", await view(alice, bob, carol), await agree(alice, bob, carol));
}

async function talk(trio: Trio, note: Note, stage: Stage): Promise<void> {
  let received = 0;
  let milliseconds = 0;
  for (const sender of trio) {
    stage.progress(`${received} of ${6 * messagesEach} messages received`);
    const messages = shuffled(await sender.call("sendMany", messagesEach));
    for (const other of trio) {
      if (other === sender) continue;
      const result = await other.call("receiveMany", messages);
      received += result.applications;
      milliseconds += result.milliseconds;
    }
  }
  const rate = Math.round(received / (milliseconds / 1000)).toLocaleString("en");
  stage.figure("group messages received by one member", `${rate}/s`);
  note("all talk to all", `${received} messages, out of order`, received === 6 * messagesEach);
}

async function update([alice, bob, carol]: Trio, note: Note): Promise<void> {
  const proposal = await carol.call("proposeUpdate");
  for (const member of [alice, bob]) await member.call("receive", proposal);
  const published = await bob.call("prepare", {});
  await accept(bob, published, alice, carol);
  note("carol proposes an update, bob commits it", await view(bob), await agree(alice, bob, carol));
}

async function race([alice, bob, carol]: Trio, note: Note): Promise<void> {
  const [, won] = await Promise.all([alice.call("prepare", { update: true }), bob.call("prepare", { update: true })]);
  await accept(bob, won, alice, carol);
  const state = await alice.call("pendingState");
  await accept(alice, await alice.call("rebase"), bob, carol);
  const held = state === "superseded" && (await agree(alice, bob, carol));
  note("alice and bob commit at once", `bob wins, alice is ${state} and rebases; ${await view(alice)}`, held);
}

async function removeAndReturn([alice, bob, carol]: Trio, note: Note): Promise<void> {
  const leaf = await alice.call("leafIndexOf", "carol");
  const removal = await alice.call("prepare", { remove: [leaf!] });
  await alice.call("confirm");
  await bob.call("receive", removal.commit);
  const told = await carol.call("receive", removal.commit);
  const held = told.selfRemoved === true && (await agree(alice, bob));
  note("alice removes carol", `carol is told; ${await view(alice)}`, held);
  const commit = await carol.call("joinExternally", await alice.call("groupInfo"));
  for (const member of [alice, bob]) await member.call("receive", commit);
  note("carol comes back by an external commit", await view(carol), await agree(alice, bob, carol));
}

async function tamper([alice, bob]: Trio, note: Note): Promise<void> {
  const message = await alice.call("send", "as it was sent");
  const forged = Buffer.from(message);
  forged[forged.length - 1]! ^= 1;
  const refused = await bob.call("receive", forged);
  const genuine = await bob.call("receive", message);
  const again = await bob.call("receive", message);
  const held = refused.kind === "rejected" && genuine.text === "as it was sent" && again.kind === "duplicate";
  note("a message is tampered with", `${told(refused)}; the genuine one opens, its copy is a ${again.kind}`, held);
}

function told({ kind, rule }: Outcome): string {
  return rule === undefined ? kind : `${kind} by ${rule}`;
}

async function streamFile([alice, bob, carol]: Trio, note: Note, stage: Stage): Promise<void> {
  const path = join(stage.folder, "group-file");
  await writeFile(path, randomBytes(fileSize));
  const digest = await digestOf(path);
  const start = performance.now();
  for (const receiver of [bob, carol]) {
    await alice.call("sendFile", path, await receiver.call("listen"));
    const received = await receiver.call("receivedFile");
    note(`alice streams 16 MiB to ${receiver.name}, keyed by the group`, "equal by SHA-256", received === digest);
  }
  const seconds = (performance.now() - start) / 1000;
  stage.figure("file between two processes", `${Math.round((2 * fileSize) / 2 ** 20 / seconds)} MiB/s`);
}

function shuffled<T>(list: readonly T[]): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = randomBytes(4).readUInt32BE() % (i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
