export { TinyMlsError, errorCodes, type ErrorCode, type ErrorDetails } from "./errors.js";
