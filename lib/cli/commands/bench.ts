import { environment, measureAll, table } from "../bench/measure.js";
import { integer, noOperands, parse } from "../options.js";

/** `tinymls bench` */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args, { json: { type: "boolean" }, seconds: { type: "string" } });
  noOperands(positionals);
  const results = await measureAll(integer("seconds", values.seconds, 1, 60, 4));
  const about = environment();
  if (values.json) {
    console.log(JSON.stringify({ environment: about, results }, undefined, 2));
    return;
  }
  console.log(`Node ${about["node"]}, OpenSSL ${about["openssl"]}, ${about["platform"]}, ${about["cpu"]}\n`);
  for (const line of table(results)) console.log(line);
}
