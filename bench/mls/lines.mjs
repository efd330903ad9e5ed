// What is measured of a group, and the kinds of contenders that the lines are made of.

/** The lines in the order of the table, with the unit in which people read them. */
export const lines = {
  create: { title: "create", unit: "us" },
  addAll: { title: "add all", unit: "ms" },
  join: { title: "join", unit: "ms" },
  joinApart: { title: "join, tree apart", unit: "ms" },
  send: { title: "send 256 B", unit: "us" },
  receive: { title: "receive 256 B", unit: "us" },
  commit: { title: "empty commit", unit: "ms" },
  remove: { title: "remove", unit: "ms" },
  addOne: { title: "add one", unit: "ms" },
  externalJoin: { title: "external join", unit: "ms" },
  load: { title: "serialise and load", unit: "ms" },
  // Goes on to another epoch, so it comes last.
  process: { title: "process a commit", unit: "ms" },
};

const nanoseconds = { us: 1e3, ms: 1e6 };

/** For `Times.result`. */
export function presented(unit) {
  return { unit, convert: (time) => time / nanoseconds[unit] };
}

/** `empty commit, 1,000 members, flat`, and the suite where it is not the first. */
export function nameOf(line, { suite, members, populated }) {
  const parts = [lines[line].title, `${members.toLocaleString("en-US")} members`, populated ? "populated" : "flat"];
  return [...parts, ...(suite === 1 ? [] : [`suite ${suite}`])].join(", ");
}

/** An operation that leaves all as it was. */
export function repeated(operation) {
  return {
    async run(iterations) {
      for (let i = 0; i < iterations; ++i) await operation();
    },
  };
}

/** Messages that `make` makes beforehand, each taken in once. */
export function consuming(make, take) {
  let messages = [];
  return {
    async prepare(iterations) {
      messages = [];
      while (messages.length < iterations) messages.push(await make());
    },
    async run() {
      for (const message of messages) await take(message);
    },
  };
}
