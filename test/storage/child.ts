// A process of the tests: child.js ADAPTER ADDRESS TASK COUNT.
import { writeSync } from "node:fs";
import { TinyMlsError, type Storage } from "tinymls";
import { PostgresStorage } from "tinymls/storage/postgres";
import { SqliteStorage } from "tinymls/storage/sqlite";

const [adapter, address, task, count] = process.argv.slice(2);
const storage =
  adapter === "sqlite" ? await SqliteStorage.open(address!) : await PostgresStorage.open(JSON.parse(address!));

/** Adds one to the record `counter`, so many times, against others that do the same. */
async function increase(store: Storage, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const found = await store.get("counter");
    const value = Buffer.from(String(Number(found?.value.toString() ?? "0") + 1));
    try {
      await store.write([{ put: "counter", value, revision: found?.revision ?? 0 }]);
      done++;
    } catch (error) {
      if (!(error instanceof TinyMlsError && error.code === "conflict")) throw error;
    }
  }
}

/** Appends the position of each entry as its text, with a record that holds the end; prints the end once it is durable. */
async function append(store: Storage, times: number): Promise<void> {
  let { end } = await store.read("log", 0, 1);
  for (let done = 0; done < times; done++) {
    await store.write([
      { append: "log", entries: [Buffer.from(String(end))], position: end },
      { put: "end", value: Buffer.from(String(end + 1)) },
    ]);
    end++;
    // Not console.log: what is in the pipe stays there when the process is killed.
    writeSync(1, `${end}\n`);
  }
}

await (task === "count" ? increase : append)(storage, Number(count));
await storage.close();
