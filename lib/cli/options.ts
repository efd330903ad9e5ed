import { parseArgs, type ParseArgsConfig } from "node:util";
import { CliError } from "./exit.js";

/** The options of a command; unknown ones are refused. */
export function parse<const O extends NonNullable<ParseArgsConfig["options"]>>(args: string[], options: O): Parsed<O> {
  return parseArgs({ args, options, allowPositionals: true, strict: true });
}

type Parsed<O extends NonNullable<ParseArgsConfig["options"]>> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>
>;

/** The only operand, or none. */
export function single(positionals: readonly string[], what: string): string | undefined {
  if (positionals.length > 1) throw new CliError("usage", `too many operands, ${positionals[1]}`, `name one ${what}`);
  return positionals[0];
}

export function noOperands(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new CliError("usage", `unknown operand ${positionals[0]}`, "see tinymls help");
}

/** An option that is a whole number. */
export function integer(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
  otherwise: number,
): number {
  if (text === undefined) return otherwise;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new CliError("usage", `--${name} ${text} is out of range`, `give a whole number from ${least} to ${most}`);
}
