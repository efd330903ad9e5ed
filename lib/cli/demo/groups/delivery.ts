// The delivery service of the scene: who hears of what, and whether all came to the same.
import type { Member } from "./member.js";
import type { Published } from "./member-process.js";

export type Trio = readonly [Member, Member, Member];
export type Note = (what: string, outcome: string, held: boolean) => void;

/** The delivery service takes a commit: its author confirms, the others receive it. */
export async function accept(author: Member, { commit }: Published, ...others: Member[]): Promise<void> {
  await author.call("confirm");
  for (const other of others) await other.call("receive", commit);
}

export async function agree(...members: Member[]): Promise<boolean> {
  const views = await Promise.all(members.map((member) => member.call("view")));
  return new Set(views.map(({ authenticator }) => authenticator)).size === 1;
}

export async function view(...[member]: Member[]): Promise<string> {
  const { epoch, members, authenticator } = await member!.call("view");
  return `epoch ${epoch}, ${members.length} members, authenticator ${authenticator.slice(0, 8)}`;
}
