// What tests see of a storage.
import { TinyMlsError, type Storage } from "tinymls";

/** The error that `promise` rejects with, as the fields that callers decide on. */
export async function faultOf(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TinyMlsError)) throw new Error("no TinyMlsError", { cause: error });
  const { code, path, retryable, component } = error;
  return { code, path, retryable, component };
}

/** All that a store holds. */
export async function contents(storage: Storage, logs: string[] = []) {
  const { records } = await storage.list("", { limit: 1000 });
  return { records, logs: await Promise.all(logs.map((log) => storage.read(log, 0, 1000))) };
}

export async function until(condition: () => boolean, timeoutMs = 5000): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > timeoutMs) throw new Error("it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
