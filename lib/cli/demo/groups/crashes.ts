// Processes are killed where it hurts, and new ones go on from their files.
import { accept, agree, view, type Note, type Trio } from "./delivery.js";
import type { Member } from "./member.js";
import type { Outcome } from "./member-process.js";

const attempts = 200;
const messagesAfter = 20;

/** In the middle of sending, before a commit is confirmed, and before one that lost its race is known to have. */
export async function crashes(trio: Trio, note: Note): Promise<void> {
  await whileSending(trio, note);
  await beforeConfirming(trio, note);
  await beforeALostRace(trio, note);
}

/** A generation that is used twice would be a key and a nonce used twice (RFC 9420 §9.1): the receivers know what they got. */
async function whileSending([alice, bob, carol]: Trio, note: Note): Promise<void> {
  const sending = Array.from({ length: attempts }, (_, i) => alice.call("send", `before ${i}`));
  const ended = Promise.allSettled(sending);
  await sending[messagesAfter];
  await alice.crash();
  const messages = (await ended).flatMap((sent) => (sent.status === "fulfilled" ? [sent.value] : []));
  const before = messages.length;
  await alice.restart();
  for (let i = 0; i < messagesAfter; i++) messages.push(await alice.call("send", `after ${i}`));

  const outcomes = await receiveAll(bob, messages);
  const used = new Set(outcomes.flatMap(({ generation }) => generation ?? []));
  // One that comes again opens nothing: its key is erased.
  const repeated = messages.length - used.size;
  const skipped = Math.max(...used) - Math.min(...used) + 1 - used.size;
  const received = [...outcomes, ...(await receiveAll(carol, messages))];
  const held = repeated === 0 && received.every(({ kind }) => kind === "application");
  const told = `${before} messages were out, ${messagesAfter} follow; ${skipped} generations skipped, ${repeated} repeated`;
  note("alice is killed while she sends, and starts again", told, held);
}

/** Her commit is accepted, and she does not live to hear of it. */
async function beforeConfirming([alice, bob, carol]: Trio, note: Note): Promise<void> {
  const { commit } = await alice.call("prepare", { update: true });
  await alice.crash();
  for (const member of [bob, carol]) await member.call("receive", commit);
  const missed = await bob.call("send", "while alice was away");

  const pending = await alice.restart();
  await alice.call("confirm");
  const caughtUp = await alice.call("receive", missed);
  const answer = await bob.call("receive", await alice.call("send", "back again"));
  const talked = caughtUp.text === "while alice was away" && answer.text === "back again";
  const held = pending?.commit.equals(commit) === true && talked && (await agree(alice, bob, carol));
  const told = "she finds it pending, confirms it and reads what she missed";
  note("alice is killed before she confirms a commit", `${told}; ${await view(alice)}`, held);
}

/** His commit is stored and not published; meanwhile the epoch ends by another. */
async function beforeALostRace([alice, bob, carol]: Trio, note: Note): Promise<void> {
  const read = await alice.call("send", "read before the crash");
  const first = await bob.call("receive", read);
  const { commit } = await bob.call("prepare", { update: true });
  await bob.crash();
  const won = await carol.call("prepare", { update: true });
  await accept(carol, won, alice);

  const pending = await bob.restart();
  const again = await bob.call("receive", read);
  await bob.call("receive", won.commit);
  const state = await bob.call("pendingState");
  await accept(bob, await bob.call("rebase"), alice, carol);
  const found = pending?.commit.equals(commit) === true && state === "superseded";
  const once = first.kind === "application" && again.kind === "duplicate";
  const told = `his commit is ${state}, he rebases it; what he had read is a ${again.kind}`;
  const held = found && once && (await agree(alice, bob, carol));
  note("bob is killed, and carol's commit wins", `${told}; ${await view(bob)}`, held);
}

async function receiveAll(member: Member, messages: readonly Buffer[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const message of messages) outcomes.push(await member.call("receive", message));
  return outcomes;
}
