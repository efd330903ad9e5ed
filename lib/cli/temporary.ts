import { rmSync } from "node:fs";

// Files and folders that must not survive this process unless it finishes its work.
const files = new Set<string>();
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
let watching = false;

/** Removes `path` when the process ends, by a signal too, unless it was let go of before. */
export function removeAtExit(path: string): void {
  files.add(path);
  if (watching) return;
  watching = true;
  process.on("exit", removeAll);
  for (const signal of signals) process.once(signal, interrupted);
}

export function letGo(path: string): void {
  files.delete(path);
}

function removeAll(): void {
  for (const path of files) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // nothing more can be done about it
    }
  }
  files.clear();
}

// The handler of this signal is gone, so that it ends the process now, with the status that the shell expects.
function interrupted(signal: NodeJS.Signals): void {
  removeAll();
  process.kill(process.pid, signal);
}
