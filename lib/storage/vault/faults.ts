import { TinyMlsError, type ErrorCode, type ErrorDetails } from "../../errors.js";

/** @param record the name of the record that the fault is about */
export function vaultError(
  code: ErrorCode,
  message: string,
  record?: string,
  details: ErrorDetails = {},
): TinyMlsError {
  const path = record === undefined ? {} : { path: record };
  return new TinyMlsError(code, message, { operation: "Vault.open", component: "storage", ...path, ...details });
}
