import { TinyMlsError } from "../../errors.js";

/** The code, with its rule, of the error that `use` throws; what else is thrown is a bug. */
export function refusal(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    return codeOf(error);
  }
  return "accepted";
}

export function codeOf(error: unknown): string {
  if (!(error instanceof TinyMlsError)) throw error;
  return error.rule === undefined ? error.code : `${error.code} (${error.rule})`;
}
