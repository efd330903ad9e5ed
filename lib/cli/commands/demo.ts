import { parts } from "../demo/parts.js";
import { inputFiles } from "../demo/input.js";
import { Stage, type Check } from "../demo/stage.js";
import { exitCodes, type ExitCode } from "../exit.js";
import { integer, noOperands, parse } from "../options.js";
import { align } from "../table.js";

/** `tinymls demo` */
export async function run(args: string[]): Promise<ExitCode> {
  const { values, positionals } = parse(args, { seconds: { type: "string" }, file: { type: "string" } });
  noOperands(positionals);
  const seconds = integer("seconds", values.seconds, 1, 30, 3);
  const stage = new Stage(inputFiles(values.file), seconds);
  const start = performance.now();
  console.log(
    `tinymls on Node ${process.version}, OpenSSL ${process.versions.openssl}, ${process.platform}-${process.arch}`,
  );
  for (const [index, part] of parts.entries()) {
    stage.begin(part.title, `[${index + 1}/${parts.length}]`);
    await part.run(stage);
  }
  stage.clean();
  return summary(stage, (performance.now() - start) / 1000);
}

function summary({ checks, figures }: Stage, seconds: number): ExitCode {
  const tried = checks.filter(({ held }) => held !== undefined);
  const failed = tried.filter(({ held }) => !held);
  console.log("\nWhat happened");
  for (const line of align(rows(checks))) console.log(`  ${line}`);
  console.log("\nFigures");
  for (const line of align(figures)) console.log(`  ${line}`);
  const verdict =
    failed.length === 0 ? `All ${tried.length} checks held` : `${failed.length} of ${tried.length} checks FAILED`;
  console.log(`\n${verdict}, in ${seconds.toFixed(1)} s.`);
  return failed.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function rows(checks: readonly Check[]): string[][] {
  const titles = [...new Set(checks.map(({ part }) => part))];
  return titles.flatMap((title) =>
    checks
      .filter(({ part }) => part === title)
      .map(({ what, held }, i) => [(i === 0 ? title : "").padEnd(28) + what, result(held)]),
  );
}

function result(held: boolean | undefined): string {
  if (held === undefined) return "skipped";
  return held ? "ok" : "FAILED";
}
