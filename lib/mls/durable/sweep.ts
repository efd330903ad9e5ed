import { storageLimits, type Storage, type WriteStep } from "../../storage/port.js";
import { mostSteps } from "./early-writes.js";
import { pages } from "./pages.js";

/**
 * Deletes all records of a set that is over.
 * @param condition a step that is done with each write
 * @throws TinyMlsError `conflict` where it does not hold, or another process sweeps the same records
 */
export async function sweep(storage: Storage, prefix: string, condition: WriteStep): Promise<void> {
  const limit = Math.min(storageLimits.page, mostSteps);
  for await (const records of pages(storage, prefix, limit)) {
    const deletes = records.map(({ key, revision }) => ({ delete: key, revision }));
    if (deletes.length > 0) await storage.write([condition, ...deletes]);
  }
}
