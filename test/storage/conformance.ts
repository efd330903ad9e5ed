import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { storageLimits, type TinyMlsError, type Storage, type WriteStep } from "tinymls";
import { contents, faultOf, until } from "./observe.js";
import { Model } from "./model.js";

/** A store of its own for one test. */
export interface Store {
  /** Another handle on it; memory has but one. */
  open(): Promise<Storage>;
  remove(): Promise<void>;
}

const bytes = (text: string) => Buffer.from(text);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What holds for every adapter. */
export function conformance(name: string, create: () => Promise<Store>): void {
  describe(`${name}: conformance`, () => {
    let store: Store;
    let storage: Storage;
    beforeEach(async () => {
      store = await create();
      storage = await store.open();
    }, 30_000);
    afterEach(async () => {
      await storage.close();
      await store.remove();
    });

    test("a record is read as it was put, at the revision of its write", async () => {
      const revision = await storage.write([
        { put: "a", value: bytes("one") },
        { put: "b", value: new Uint8Array(0) },
      ]);
      expect(revision).toBeGreaterThan(0);
      expect(await storage.get("a")).toEqual({ key: "a", value: bytes("one"), revision });
      expect(await storage.get("b")).toEqual({ key: "b", value: bytes(""), revision });
      expect(await storage.get("c")).toBeUndefined();
    });

    test("values are copied on their way in and out", async () => {
      const value = new Uint8Array(bytes("one"));
      const writing = storage.write([
        { put: "a", value },
        { append: "log", entries: [value] },
      ]);
      await writing;
      value.fill(0);
      (await storage.get("a"))!.value.fill(1);
      (await storage.list("")).records[0]!.value.fill(1);
      (await storage.read("log", 0)).entries[0]!.value.fill(1);
      expect((await storage.get("a"))!.value).toEqual(bytes("one"));
      expect((await storage.read("log", 0)).entries[0]!.value).toEqual(bytes("one"));
    });

    test("a view on a larger buffer is stored without its surroundings", async () => {
      await storage.write([{ put: "a", value: Buffer.from("xxoneyy").subarray(2, 5) }]);
      expect((await storage.get("a"))!.value).toEqual(bytes("one"));
    });

    test("a revision is never used again, not even after a deletion", async () => {
      const first = await storage.write([{ put: "a", value: bytes("1"), revision: 0 }]);
      await storage.write([{ delete: "a", revision: first }]);
      const second = await storage.write([{ put: "a", value: bytes("1"), revision: 0 }]);
      expect(second).toBeGreaterThan(first);
      expect(await faultOf(storage.write([{ put: "a", value: bytes("2"), revision: first }]))).toMatchObject({
        code: "conflict",
        path: "a",
      });
    });

    const losers: [string, WriteStep, string][] = [
      ["put of a stale revision", { put: "k", value: bytes("x"), revision: 999_999 }, "k"],
      ["put of what must be absent", { put: "k", value: bytes("x"), revision: 0 }, "k"],
      ["put of what must be there", { put: "none", value: bytes("x"), revision: 7 }, "none"],
      ["delete of a stale revision", { delete: "k", revision: 999_999 }, "k"],
      ["delete of what must be there", { delete: "none", revision: 7 }, "none"],
      ["delete of what must be absent", { delete: "k", revision: 0 }, "k"],
      ["check of a stale revision", { check: "k", revision: 999_999 }, "k"],
      ["check of absence", { check: "k", revision: 0 }, "k"],
      ["append past the end", { append: "log", entries: [bytes("x")], position: 3 }, "log"],
      ["append before the end", { append: "log", entries: [bytes("x")], position: 1 }, "log"],
      ["append to a log that must be new", { append: "log", entries: [bytes("x")], position: 0 }, "log"],
      ["truncate past the end", { truncate: "log", before: 3 }, "log"],
    ];
    test.each(losers)("%s conflicts, names the key, and nothing of its write happens", async (_, step, path) => {
      await storage.write([
        { put: "k", value: bytes("v") },
        { append: "log", entries: [bytes("0"), bytes("1")] },
      ]);
      const before = await contents(storage, ["log", "other"]);
      const heard: unknown[] = [];
      await storage.watch("", (keys) => heard.push(keys));
      const steps = [{ put: "first", value: bytes("1") }, step, { put: "z", value: bytes("2") }];
      const write = storage.write([...steps, { append: "other", entries: [bytes("x")] }]);
      expect(await faultOf(write)).toEqual({ code: "conflict", path, retryable: true, component: "storage" });
      expect(await contents(storage, ["log", "other"])).toEqual(before);
      await sleep(30);
      expect(heard).toEqual([]);
    });

    test("all steps of a write that holds happen", async () => {
      const first = await storage.write([
        { put: "a", value: bytes("1") },
        { put: "b", value: bytes("1") },
      ]);
      const revision = await storage.write([
        { append: "log", entries: [bytes("x"), bytes("y")], position: 0 },
        { truncate: "log", before: 1 },
        { check: "a", revision: first },
        { check: "none", revision: 0 },
        { delete: "b", revision: first },
        { delete: "nothing" },
        { put: "c", value: bytes("3"), revision: 0 },
      ]);
      expect(await contents(storage, ["log"])).toEqual({
        records: [
          { key: "a", value: bytes("1"), revision: first },
          { key: "c", value: bytes("3"), revision },
        ],
        logs: [{ entries: [{ position: 1, value: bytes("y") }], first: 1, end: 2 }],
      });
    });

    test("lists by prefix, in the order of octets, a page at a time", async () => {
      const keys = ["Z", "a", "a-", "a/1", "a/10", "a/2", "a:", "aB", "ab", "b", "c~"];
      for (const key of keys) await storage.write([{ put: key, value: bytes(key) }]);
      const listed: string[] = [];
      let after: string | undefined;
      do {
        const page = await storage.list("a", after === undefined ? { limit: 3 } : { after, limit: 3 });
        expect(page.records.length).toBeLessThanOrEqual(3);
        for (const { key, value } of page.records) expect(value).toEqual(bytes(key));
        listed.push(...page.records.map(({ key }) => key));
        after = page.next;
      } while (after !== undefined);
      expect(listed).toEqual(keys.filter((key) => key.startsWith("a")).sort());
      expect((await storage.list("a/")).records.map(({ key }) => key)).toEqual(["a/1", "a/10", "a/2"]);
      expect(await storage.list("a/", { limit: 3 })).toMatchObject({ next: undefined });
      expect(await storage.list("q")).toEqual({ records: [], next: undefined });
    });

    test("a page of large values ends early and says so", async () => {
      const value = Buffer.alloc(7 * 2 ** 20, 1);
      for (const key of ["a", "b", "c", "d"])
        await storage.write([
          { put: key, value },
          { append: "log", entries: [value] },
        ]);
      const { records, next } = await storage.list("");
      expect(records.map(({ key }) => key)).toEqual(["a", "b", "c"]);
      expect(next).toBe("c");
      expect((await storage.list("", { after: "c" })).records.map(({ key }) => key)).toEqual(["d"]);
      const page = await storage.read("log", 0);
      expect(page.entries.map(({ position }) => position)).toEqual([0, 1, 2]);
      expect(page.end).toBe(4);
    }, 30_000);

    test("a log keeps its positions", async () => {
      const entries = ["0", "1", "2", "3", "4"].map(bytes);
      await storage.write([{ append: "log", entries, position: 0 }]);
      await storage.write([{ append: "log", entries: [bytes("5")], position: 5 }]);
      await storage.write([{ append: "log", entries: [bytes("6")] }]);
      await storage.write([{ truncate: "log", before: 3 }]);
      await storage.write([{ truncate: "log", before: 1 }]);
      const page = await storage.read("log", 0, 2);
      expect(page).toEqual({
        entries: [
          { position: 3, value: bytes("3") },
          { position: 4, value: bytes("4") },
        ],
        first: 3,
        end: 7,
      });
      expect((await storage.read("log", 5)).entries.map(({ value }) => value.toString())).toEqual(["5", "6"]);
      await storage.write([{ truncate: "log", before: 7 }]);
      expect(await storage.read("log", 0)).toEqual({ entries: [], first: 7, end: 7 });
      await storage.write([{ append: "log", entries: [bytes("7")], position: 7 }]);
      expect(await storage.read("log", 9)).toEqual({ entries: [], first: 7, end: 8 });
      expect(await storage.read("other", 0)).toEqual({ entries: [], first: 0, end: 0 });
    });

    const beyond: [string, unknown][] = [
      ["no steps", []],
      ["no list", {}],
      ["no step", [{}]],
      ["null", [null]],
      ["two in one", [{ put: "a", delete: "a", value: bytes("") }]],
      ["an empty key", [{ put: "", value: bytes("") }]],
      ["a long key", [{ put: "k".repeat(256), value: bytes("") }]],
      ["a key with a space", [{ put: "a b", value: bytes("") }]],
      ["a key that starts with a dot", [{ put: "./a", value: bytes("") }]],
      ["a key beyond ASCII", [{ put: "ä", value: bytes("") }]],
      ["text as a value", [{ put: "a", value: "text" }]],
      ["a large value", [{ put: "a", value: new Uint8Array(storageLimits.valueLength + 1) }]],
      ["a negative revision", [{ put: "a", value: bytes(""), revision: -1 }]],
      ["a revision between", [{ delete: "a", revision: 0.5 }]],
      ["a check of nothing", [{ check: "a" }]],
      ["one key twice", [{ put: "a", value: bytes("") }, { delete: "a" }]],
      [
        "one log twice",
        [
          { append: "a", entries: [bytes("")] },
          { append: "a", entries: [bytes("")] },
        ],
      ],
      ["an empty append", [{ append: "a", entries: [] }]],
      // eslint-disable-next-line no-sparse-arrays
      ["an append with a hole", [{ append: "a", entries: [, bytes("x")] }]],
      // eslint-disable-next-line no-sparse-arrays
      ["a step that is a hole", [, { delete: "b" }]],
      ["many steps", Array.from({ length: 1001 }, (_, index) => ({ delete: `k${index}` }))],
      [
        "many octets",
        Array.from({ length: 5 }, (_, i) => ({ put: `k${i}`, value: new Uint8Array(storageLimits.valueLength) })),
      ],
    ];
    test.each(beyond)("%s is refused, untouched", async (_, steps) => {
      await storage.write([{ put: "a", value: bytes("v") }]);
      const before = await contents(storage, ["a"]);
      expect(await faultOf(storage.write(steps as WriteStep[]))).toMatchObject({ code: "usage" });
      expect(await contents(storage, ["a"])).toEqual(before);
    });

    test("options and reads beyond the limits are refused", async () => {
      const calls = [
        () => storage.write([{ delete: "a" }], { sync: 1 as never }),
        () => storage.write([{ delete: "a" }], null as never),
        () => storage.list("", null as never),
        () => storage.get("a b"),
        () => storage.list("ä"),
        () => storage.list("", { limit: 0 }),
        () => storage.list("", { limit: 1001 }),
        () => storage.read("", 0),
        () => storage.read("log", -1),
        () => storage.read("log", 0, 1001),
        () => storage.watch(" ", () => undefined),
        () => storage.watch("", undefined as never),
      ];
      for (const call of calls) expect(await faultOf(call())).toMatchObject({ code: "usage", retryable: false });
    });

    test("the longest key, the largest value and every octet pass", async () => {
      const key = "k".repeat(storageLimits.keyLength);
      const value = Buffer.alloc(
        storageLimits.valueLength,
        Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)),
      );
      await storage.write([{ put: key, value }]);
      const read = (await storage.get(key))!.value;
      expect(read.equals(value)).toBe(true);
    }, 30_000);

    test("of writers that race for one revision one wins", async () => {
      const other = await store.open();
      await storage.write([{ put: "n", value: bytes("0") }]);
      const add = async (handle: Storage) => {
        for (let done = 0; done < 15;) {
          const { value, revision } = (await handle.get("n"))!;
          const next = bytes(String(Number(value.toString()) + 1));
          const write = handle.write([
            { put: "n", value: next, revision },
            { append: "log", entries: [next] },
          ]);
          const won = await write.then(
            () => true,
            (error: TinyMlsError) => {
              if (error.code !== "conflict") throw error;
              return false;
            },
          );
          if (won) done++;
        }
      };
      await Promise.all([add(storage), add(storage), add(other), add(other)]);
      expect((await storage.get("n"))!.value.toString()).toBe("60");
      const { entries } = await other.read("log", 0);
      expect(entries.map(({ value }) => value.toString())).toEqual(Array.from({ length: 60 }, (_, i) => String(i + 1)));
    }, 30_000);

    test("of two writes that each check the absence of what the other puts one wins", async () => {
      const other = await store.open();
      for (let round = 0; round < 10; round++) {
        const [a, b] = [`a${round}`, `b${round}`];
        const outcomes = await Promise.allSettled([
          storage.write([
            { check: a, revision: 0 },
            { put: b, value: bytes("1"), revision: 0 },
          ]),
          other.write([
            { check: b, revision: 0 },
            { put: a, value: bytes("1"), revision: 0 },
          ]),
        ]);
        expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      }
    });

    test("a watch hears of its prefix alone, by every handle, until it ends", async () => {
      const other = await store.open();
      const heard = new Set<string | undefined>();
      const end = await storage.watch("a/", (keys) => (keys ?? [undefined]).forEach((key) => heard.add(key)));
      await storage.write([
        { put: "a/own", value: bytes("1") },
        { put: "b/own", value: bytes("1") },
      ]);
      await other.write([{ put: "a/other", value: bytes("1") }]);
      await other.write([{ put: "b/other", value: bytes("1") }]);
      await until(() => heard.has("a/own") && heard.has("a/other"));
      heard.clear();
      await other.write([{ delete: "a/own" }]);
      await until(() => heard.has("a/own"));
      await sleep(250);
      expect([...heard]).toEqual(["a/own"]);
      end();
      end();
      heard.clear();
      await storage.write([{ put: "a/own", value: bytes("2") }]);
      await other.write([{ put: "a/other", value: bytes("2") }]);
      await sleep(250);
      expect([...heard]).toEqual([]);
    });

    test("closed, it refuses every call, and closes again", async () => {
      const heard: unknown[] = [];
      await storage.watch("", (keys) => heard.push(keys));
      await storage.close();
      await storage.close();
      const calls = [
        () => storage.get("a"),
        () => storage.list(""),
        () => storage.write([{ delete: "a" }]),
        () => storage.read("log", 0),
        () => storage.watch("", () => undefined),
      ];
      for (const call of calls) expect(await faultOf(call())).toMatchObject({ code: "closed" });
      expect(heard).toEqual([]);
    });

    test("does what a naive model does", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(anyStep, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
          async (writes) => {
            const mine = await create();
            const real = await mine.open();
            const model = new Model();
            try {
              for (const choices of writes) {
                const steps = model.steps(choices);
                const wanted = model.write(steps);
                const outcome = await real.write(steps, { sync: choices.length % 2 === 0 }).then(
                  (revision) => model.learn(revision),
                  (error: TinyMlsError) => error.path,
                );
                expect(outcome === undefined ? undefined : "conflict").toBe(
                  wanted === undefined ? undefined : "conflict",
                );
                if (wanted) expect(wanted).toContain(outcome);
                expect(await contents(real, ["x", "y"])).toEqual(model.contents(["x", "y"]));
              }
            } finally {
              await real.close();
              await mine.remove();
            }
          },
        ),
        { numRuns: 25 },
      );
    }, 60_000);
  });
}

const anyStep = fc.record({
  kind: fc.constantFrom("put", "delete", "check", "append", "truncate"),
  name: fc.constantFrom("x", "y", "x/1"),
  value: fc.uint8Array({ maxLength: 4 }),
  guard: fc.constantFrom("none", "right", "right", "wrong"),
});
export type Choice = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;
