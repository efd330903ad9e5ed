// npm run bench -- [--only context,mls,storage] [--json FILE] [--quick] [--members LIST] [--node PATH | --matrix] [--publish]
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { nodes } from "../scripts/matrix.mjs";
import { root } from "../scripts/run.mjs";
import { build } from "./addon.mjs";
import { benches } from "./benches.mjs";

const help = `Usage: npm run bench -- [options]

  --only NAMES    ${benches().join(", ")}; all of them otherwise
  --json FILE     writes { environment, results: [{ name, value, unit, floor?, peers }] }
  --quick         a second or two: shows that it runs, its figures mean nothing
  --members LIST  of mls the groups of these sizes alone
  --node PATH     on another Node
  --matrix        on this Node and on each of test/matrix, FILE-node24.json and so on
  --publish       writes the charts and tables of docs/ and of the README
`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    json: { type: "string" },
    quick: { type: "boolean" },
    members: { type: "string" },
    node: { type: "string" },
    matrix: { type: "boolean" },
    publish: { type: "boolean" },
    help: { type: "boolean" },
  },
});
const only = values.only?.split(",") ?? benches();
const unknown = only.filter((name) => !benches().includes(name));

if (values.help) {
  console.log(help);
} else if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(", ")}\n\n${help}`);
  process.exitCode = 2;
} else {
  build();
  const lines = values.matrix ? [process.execPath, ...matrix()] : [values.node ?? process.execPath];
  const failed = lines.filter((node) => !run(node));
  process.exitCode = failed.length > 0 ? 1 : 0;
}

function matrix() {
  const present = nodes().filter(({ present, version }) => present && version !== process.versions.node);
  return present.map(({ binary }) => binary);
}

// A process of its own for each line, so that none starts with what another left behind.
function run(node) {
  const args = ["--expose-gc", join(root, "bench", "run.mjs"), only.join(",")];
  if (values.quick) args.push("--quick");
  if (values.members) args.push("--members", values.members);
  if (values.publish) args.push("--publish");
  if (values.json) args.push("--json", fileOf(node));
  return spawnSync(node, args, { stdio: "inherit" }).status === 0;
}

function fileOf(node) {
  if (!values.matrix) return values.json;
  const { stdout } = spawnSync(node, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" });
  return values.json.replace(/(\.json)?$/, `-node${stdout.trim()}.json`);
}
