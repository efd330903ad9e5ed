import { exitCodes, type ExitCode } from "../exit.js";
import { examine, type Finding } from "../doctor/examine.js";
import { noOperands, parse } from "../options.js";

const marks: Readonly<Record<Finding["status"], string>> = { ok: "ok  ", note: "note", missing: "FAIL" };

/** `tinymls doctor` */
export async function run(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parse(args, { json: { type: "boolean" } });
  noOperands(positionals);
  const { findings, facts } = await examine();
  const healthy = findings.every(({ status }) => status !== "missing");
  if (values.json) {
    console.log(JSON.stringify({ ok: healthy, findings, facts }, undefined, 2));
  } else {
    const width = Math.max(...findings.map(({ name }) => name.length));
    for (const { name, status, value, advice } of findings) {
      console.log(`${marks[status]}  ${name.padEnd(width)}  ${value}`);
      if (advice !== undefined) console.log(`      ${" ".repeat(width)}  ${advice}`);
    }
    console.log(healthy ? "\ntinymls works here." : "\nSomething essential is missing.");
  }
  return healthy ? exitCodes.ok : exitCodes.failed;
}
