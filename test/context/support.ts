import { TinyMlsError } from "tinymls";

/** The code of the error that `use` throws; anything but a TinyMlsError fails. */
export function codeOf(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    if (error instanceof TinyMlsError) return error.code;
    throw error;
  }
  return "no error";
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
