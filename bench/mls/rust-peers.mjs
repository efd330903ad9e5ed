// The peers in Rust: each is a process of the program in bench/peers, which measures itself.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../../scripts/run.mjs";
import { lines } from "./lines.mjs";

const folder = join(root, "bench", "peers");
const program = join(folder, "target", "release", process.platform === "win32" ? "mls-peers.exe" : "mls-peers");

export const openMls = "OpenMLS (RustCrypto)";
export const mlsRsOpenssl = "mls-rs (OpenSSL)";
export const mlsRsAwsLc = "mls-rs (AWS-LC)";
const ids = { [openMls]: "openmls", [mlsRsOpenssl]: "mls-rs-openssl", [mlsRsAwsLc]: "mls-rs-awslc" };

/**
 * @param build whether they may be compiled now, which takes minutes
 * @returns `{ peers, missing }`: the peers as contenders are made, or why there are none
 */
export function rustPeers(build) {
  const names = Object.keys(ids).join(", ");
  if (build) {
    const { error, status } = spawnSync("cargo", ["build", "--release"], { cwd: folder, stdio: ["ignore", 2, 2] });
    if (error !== undefined) return { peers: [], missing: `${names}: no cargo here` };
    if (status !== 0) return { peers: [], missing: `${names}: bench/peers does not build` };
  } else if (!existsSync(program)) {
    return { peers: [], missing: `${names}: not built, which a full run does` };
  }
  return { peers: Object.keys(ids).map((name) => ({ name, create: (world) => RustPeer.begin(ids[name], world) })) };
}

const encoded = (octets) => octets.toString("base64");

class RustPeer {
  #child;
  #answers;

  constructor(id) {
    this.#child = spawn(program, [id], { stdio: ["pipe", "pipe", "inherit"] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async begin(id, { suite }) {
    const peer = new RustPeer(id);
    try {
      await peer.#ask({ do: "begin", suite });
      return peer;
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  async flat(others) {
    await this.#ask({ do: "flat", others: others.map(encoded) });
    return this.#lines(Object.keys(lines));
  }

  async keyPackages() {
    const { keyPackages } = await this.#ask({ do: "keyPackages" });
    return keyPackages.map((text) => Buffer.from(text, "base64"));
  }

  async enter(invitation) {
    const texts = Object.entries(invitation).map(([field, octets]) => [field, encoded(octets)]);
    await this.#ask({ do: "enter", ...Object.fromEntries(texts) });
    return this.#lines(Object.keys(lines).filter((line) => line !== "addAll"));
  }

  close() {
    this.#child.stdin.end();
  }

  #lines(names) {
    const run = (line) => async (iterations) => (await this.#ask({ do: "run", line, iterations })).milliseconds;
    return Object.fromEntries(names.map((line) => [line, { compiled: true, run: run(line) }]));
  }

  async #ask(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the process ended");
    const answer = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }
}
