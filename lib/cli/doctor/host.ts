import { readFileSync } from "node:fs";

/** The C library that this Node runs on. */
export function libc(): string {
  if (process.platform !== "linux") return "the system's own";
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  report.excludeNetwork = true; // does not look up names of hosts
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? "musl" : `glibc ${header.glibcVersionRuntime}`;
}

/** How many octets this process may lock: `ulimit -l`; undefined where that is not known. */
export function lockLimit(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1];
    if (soft === undefined) return undefined;
    return soft === "unlimited" ? Infinity : Number(soft);
  } catch {
    return undefined;
  }
}

/** Whether memory may be locked beyond any limit. */
export function mayLockAll(): boolean {
  const ipcLock = 1n << 14n;
  try {
    const status = readFileSync("/proc/self/status", "latin1");
    const effective = /^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1];
    return effective !== undefined && (BigInt(`0x${effective}`) & ipcLock) !== 0n;
  } catch {
    return false;
  }
}
