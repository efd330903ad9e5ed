import { execFileSync } from "node:child_process";
import { existsSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const files = ["", "-wal"];

/** The power of a machine that a process keeps a SQLite file on. Fails when the process is dead. */
export class Power {
  readonly #file: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "tinymls-power-"));

  /** @param file the database, NAME.db */
  constructor(file: string) {
    this.#file = file;
    execFileSync("cc", ["-shared", "-fPIC", "-o", this.#library, resolve("test/crash/power.c"), "-ldl"]);
  }

  /** Why there is none here; undefined where there is. */
  static get missing(): string | undefined {
    if (process.platform !== "linux") return "syncing is told by a preloaded library, as on Linux";
    try {
      execFileSync("cc", ["--version"], { stdio: "ignore" });
      return undefined;
    } catch {
      return "no C compiler, install it with apt-get install gcc";
    }
  }

  get #library(): string {
    return join(this.#folder, "power.so");
  }

  /** Of a process whose files are kept as they were synced. */
  get environment(): NodeJS.ProcessEnv {
    const preloaded = [process.env.LD_PRELOAD, this.#library].filter(Boolean); // that of a sanitizer comes first
    return { ...process.env, LD_PRELOAD: preloaded.join(" ") };
  }

  /** Leaves of the files what was synced. */
  fail(): void {
    rmSync(`${this.#file}-shm`, { force: true });
    for (const end of files) {
      const file = this.#file + end;
      if (existsSync(`${file}.synced`)) copyFileSync(`${file}.synced`, file);
      else rmSync(file, { force: true });
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
