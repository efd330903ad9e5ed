import type { WatchListener } from "../port.js";
import { Watches } from "../watches.js";
import type { PostgresClient, PostgresPool } from "./connection.js";

/** The connection that listens for the notifications of all writers. Broken, it is made anew, and every watch is told to look. */
export class Listener {
  readonly #pool: PostgresPool;
  readonly #channel: string;
  readonly #watches = new Watches();
  #client: PostgresClient | undefined;
  #connecting: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(pool: PostgresPool, channel: string) {
    this.#pool = pool;
    this.#channel = channel;
  }

  async add(prefix: string, listener: WatchListener): Promise<() => void> {
    await this.#listen();
    return this.#watches.add(prefix, listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watches.clear();
    clearTimeout(this.#retry);
    await this.#connecting?.catch(() => undefined);
    this.#client?.release(true);
    this.#client = undefined;
  }

  #listen(): Promise<void> {
    if (this.#client) return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #connect(): Promise<void> {
    const client = await this.#pool.connect();
    const lost = () => this.#lost(client);
    client.on("error", lost);
    client.on("end", lost);
    client.on("notification", ({ payload }) => {
      this.#watches.tell(payload ? payload.split(" ") : undefined);
    });
    try {
      await client.query(`LISTEN ${this.#channel}`);
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#client = client;
  }

  #lost(client: PostgresClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.release(true);
    if (!this.#closed) this.#reconnect(50);
  }

  #reconnect(waitMs: number): void {
    this.#retry = setTimeout(() => {
      this.#listen().then(
        // What was written while nobody listened is not told again by the server.
        () => this.#watches.tell(undefined),
        () => this.#closed || this.#reconnect(Math.min(waitMs * 2, 2000)),
      );
    }, waitMs);
  }
}
