import { TinyMlsError, type ErrorCode } from "../errors.js";

/** What a script can rely on. */
export const exitCodes = {
  ok: 0,
  /** The operation failed: the data is damaged, forged, or of another key. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Something outside is missing or refuses: a file, a permission, an algorithm. */
  environment: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An error that is told as one line: what happened, and what to do about it. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  constructor(kind: keyof typeof exitCodes, what: string, whatToDo: string) {
    super(`${what}: ${whatToDo}`);
    this.exitCode = exitCodes[kind];
  }
}

const byCode: Partial<Record<ErrorCode, ExitCode>> = { usage: exitCodes.usage, config: exitCodes.environment };

const system: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder: check the path",
  EACCES: "permission denied: check owner and mode",
  EPERM: "operation not permitted: check owner and mode",
  EISDIR: "is a folder: name a file",
  ENOTDIR: "a part of the path is no folder: check the path",
  EEXIST: "exists already: choose another name",
  ENOSPC: "no space left on the device: free some, or write elsewhere",
  EROFS: "read-only file system: write elsewhere",
  EIO: "input or output error: check the device",
};

/** The exit code and the line of any error. */
export function explain(error: unknown): { exitCode: ExitCode; line: string } {
  if (error instanceof CliError) return { exitCode: error.exitCode, line: oneLine(error.message) };
  if (error instanceof TinyMlsError) {
    return { exitCode: byCode[error.code] ?? exitCodes.failed, line: oneLine(error.message) };
  }
  const { code = "", path, syscall, message } = error as NodeJS.ErrnoException;
  if (code.startsWith("ERR_PARSE_ARGS")) {
    return { exitCode: exitCodes.usage, line: `${oneLine(message).replace(/\. .*$/, "")}: see tinymls help` };
  }
  if (syscall !== undefined) {
    const what = path ?? syscall;
    return { exitCode: exitCodes.environment, line: oneLine(`${what}: ${system[code] ?? message}`) };
  }
  return { exitCode: exitCodes.failed, line: oneLine(`internal error, ${String(error)}: please report it`) };
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
