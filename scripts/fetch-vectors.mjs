// npm run fetch:vectors: the public test vectors, from their repositories at the commits of vectors.lock.json, into
// test/vectors/. A file is written only when its SHA-256 is the one of the lock; what is there already stays.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./run.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string", default: "https://raw.githubusercontent.com" }, // a mirror with the same paths
    lock: { type: "string", default: join(root, "scripts", "vectors.lock.json") },
    out: { type: "string", default: join(root, "test", "vectors") },
  },
});

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function download(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** "kept", "fetched", or an error. */
async function obtain({ url, target, hash }) {
  const present = await readFile(target).catch(() => undefined);
  if (present && sha256(present) === hash) return "kept";
  const bytes = await download(url);
  if (sha256(bytes) !== hash) throw new Error(`${url}: SHA-256 is ${sha256(bytes)}, expected ${hash}`);
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  try {
    await writeFile(partial, bytes);
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
  return "fetched";
}

const sources = JSON.parse(await readFile(options.lock, "utf8"));
const jobs = sources.flatMap(({ repository, commit, path, folder, files }) =>
  Object.entries(files).map(([name, hash]) => ({
    url: `${options.base}/${repository}/${commit}/${path}/${name}`,
    target: join(options.out, folder, name),
    label: `${folder}/${name}`,
    hash,
  })),
);

const tally = { kept: 0, fetched: 0, failed: 0 };
const queue = [...jobs];

async function work() {
  for (let job = queue.shift(); job; job = queue.shift()) {
    try {
      const outcome = await obtain(job);
      tally[outcome] += 1;
      console.log(`${outcome} ${job.label}`);
    } catch (error) {
      tally.failed += 1;
      console.error(`failed ${job.label}: ${error.message}${error.cause ? ` (${error.cause.message})` : ""}`);
    }
  }
}

await Promise.all(Array.from({ length: 4 }, work));
console.log(`${tally.fetched} fetched, ${tally.kept} kept, ${tally.failed} failed, in ${options.out}`);
process.exitCode = tally.failed > 0 ? 1 : 0;
