import { readFileSync } from "node:fs";
import { CliError, exitCodes, explain, type ExitCode } from "./exit.js";
import { commandHelp, commands, overview } from "./help.js";

type Run = (args: string[]) => Promise<ExitCode | void>;

// Loaded when asked for: `help` works where the addon does not.
const load: Readonly<Record<string, () => Promise<{ run: Run }>>> = {
  demo: () => import("./commands/demo.js"),
  keygen: () => import("./commands/keygen.js"),
  seal: () => import("./commands/seal.js"),
  open: () => import("./commands/open.js"),
  inspect: () => import("./commands/inspect.js"),
  doctor: () => import("./commands/doctor.js"),
  bench: () => import("./commands/bench.js"),
};

/** One run of the command line; answers its exit code. */
export async function run(argv: string[]): Promise<ExitCode> {
  quietWhenUnread();
  try {
    return (await dispatch(argv)) ?? exitCodes.ok;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return exitCodes.failed;
    const { exitCode, line } = explain(error);
    process.stderr.write(`tinymls: ${line}\n`);
    return exitCode;
  }
}

async function dispatch([name, ...args]: string[]): Promise<ExitCode | void> {
  switch (name) {
    case undefined:
      process.stderr.write(`${overview()}\n`);
      return exitCodes.usage;
    case "help":
    case "--help":
    case "-h":
      return help(args[0]);
    case "--version":
    case "-V":
    case "version":
      console.log(version());
      return exitCodes.ok;
  }
  const command = Object.hasOwn(load, name) ? load[name] : undefined;
  if (command === undefined) throw unknown(name);
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  if (options.includes("--help") || options.includes("-h")) return help(name);
  return await (await command()).run(args);
}

function help(name: string | undefined): ExitCode {
  if (name !== undefined && !Object.hasOwn(commands, name)) throw unknown(name);
  console.log(name === undefined ? overview() : commandHelp(name));
  return exitCodes.ok;
}

function unknown(name: string): CliError {
  return new CliError("usage", `there is no command ${JSON.stringify(name)}`, "see tinymls help");
}

export function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** A reader that went away (`tinymls open x | head`) is no fault to report. */
function quietWhenUnread(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(exitCodes.failed);
      throw error;
    });
  }
}
