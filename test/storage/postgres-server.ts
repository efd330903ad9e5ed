import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const versions = "/usr/lib/postgresql";

/** The folder of the newest server that Debian's package installed. */
function programs(): string | undefined {
  const found = existsSync(versions) ? readdirSync(versions) : [];
  const newest = found.sort((a, b) => Number(b) - Number(a)).map((version) => join(versions, version, "bin"));
  return newest.find((folder) => existsSync(join(folder, "initdb")));
}

export const installed = programs() !== undefined;
export const serverCommand = "apt-get install postgresql";

/** A PostgreSQL server of its own in a temporary folder, reached by a socket in it. It refuses to run as root. */
export class PostgresServer {
  readonly folder = mkdtempSync(join(tmpdir(), "tinymls-pg-"));
  readonly #identity = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {};
  #server: ChildProcess | undefined;

  constructor() {
    const { uid, gid } = this.#identity;
    if (uid !== undefined && gid !== undefined) chownSync(this.folder, uid, gid);
    const options = ["-D", join(this.folder, "data"), "-U", "tinymls", "-A", "trust", "-E", "UTF8", "--no-sync"];
    execFileSync(join(programs()!, "initdb"), options, { ...this.#identity, cwd: this.folder, stdio: "pipe" });
  }

  /** What `pg` needs to connect. */
  get address() {
    return { host: this.folder, user: "tinymls", database: "postgres" };
  }

  async start(): Promise<void> {
    const options = ["-D", join(this.folder, "data"), "-k", this.folder, "-c", "listen_addresses="];
    const server = spawn(join(programs()!, "postgres"), options, {
      ...this.#identity,
      cwd: this.folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#server = server;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      server.stderr.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-10_000);
        if (said.includes("database system is ready to accept connections")) resolve();
      });
      server.once("exit", () => reject(new Error(`the server ended: ${said}`)));
    });
  }

  /** SIGINT: ends all connections at once and shuts down in order. SIGQUIT: as if the machine had failed. */
  async stop(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server || server.exitCode !== null) return;
    const exit = once(server, "exit");
    server.kill(signal);
    await exit;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const idOf = (option: "-u" | "-g"): number => Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" }));
