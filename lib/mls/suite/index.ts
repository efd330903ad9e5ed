/** RFC 9420 §5.1 the cipher suites, §5.2 the labelled operations. */
export { type Parts } from "./labels.js";
export { CipherSuite, cipherSuites, isCipherSuite, type CipherSuiteName, type SuiteParameters } from "./registry.js";
export { Suite, suiteOf, type EncryptItem, type HpkeCiphertext, type SignedItem } from "./suite.js";
