import { describe, expect, test } from "@jest/globals";
import { fetchCommand, readVectors, vectorFiles } from "./vectors.js";

/** One entry of a Wycheproof file. Fields that a kind adds are hex strings. */
export interface WycheproofTest {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
}

export interface WycheproofFile<Group, Test> {
  readonly algorithm: string;
  readonly schema: string;
  readonly numberOfTests: number;
  readonly testGroups: readonly (Group & { readonly tests: readonly (Test & WycheproofTest)[] })[];
}

/** A kind of file, by what the file says about itself. Every file of the folder is of exactly one. */
export const kinds = {
  aead: { algorithm: /^(AES-GCM|CHACHA20-POLY1305)$/, schema: /^aead_test/ },
  hkdf: { algorithm: /^HKDF-SHA-(256|384|512)$/, schema: /^hkdf_test/ },
  hmac: { algorithm: /^HMACSHA(256|384|512)$/, schema: /^mac_test/ },
  ecdh: { algorithm: /^ECDH$/, schema: /^ecdh_ecpoint_test/ },
  xdh: { algorithm: /^XDH$/, schema: /^xdh_comp/ },
  ecdsa: { algorithm: /^ECDSA$/, schema: /^ecdsa_verify/ },
  eddsa: { algorithm: /^EDDSA$/, schema: /^eddsa_verify/ },
  mlkem: { algorithm: /^ML-KEM$/, schema: /^mlkem_test/ },
  mlkemEncaps: { algorithm: /^ML-KEM$/, schema: /^mlkem_encaps_test/ },
} as const;
export type Kind = keyof typeof kinds;

export function kindsOf({ algorithm, schema }: WycheproofFile<unknown, unknown>): Kind[] {
  return (Object.keys(kinds) as Kind[]).filter(
    (kind) => kinds[kind].algorithm.test(algorithm) && kinds[kind].schema.test(schema),
  );
}

/**
 * One jest test for each entry of each Wycheproof file of the kind: a new file is run as it comes. Without vectors there is one
 * test, reported as skipped.
 *
 * @param absent why a group cannot be run here, if so: its entries are then reported as skipped, by name
 */
export function testWycheproof<Group, Test>(
  kind: Kind,
  run: (entry: Test & WycheproofTest, group: Group, algorithm: string) => void | Promise<void>,
  absent: (group: Group) => string | undefined = () => undefined,
): void {
  const read = (file: string) => readVectors<WycheproofFile<Group, Test>>(`wycheproof/${file}`);
  const files = vectorFiles("wycheproof").filter((file) => kindsOf(read(file)).includes(kind));
  if (files.length === 0) {
    test.skip(`wycheproof ${kind}: not found, fetch it with ${fetchCommand}`, () => undefined);
    return;
  }
  for (const file of files) {
    const path = `wycheproof/${file}`;
    const { algorithm, numberOfTests, testGroups } = read(file);
    describe(path, () => {
      test(`${path} has all of its ${numberOfTests} entries`, () => {
        expect(testGroups.reduce((count, { tests }) => count + tests.length, 0)).toBe(numberOfTests);
        expect(numberOfTests).toBeGreaterThan(0);
      });
      for (const group of testGroups) {
        const reason = absent(group);
        for (const entry of group.tests) {
          const name = `${path} ${entry.tcId} ${entry.comment ?? entry.flags.join(" ")}`;
          if (reason === undefined) test(name, async () => run(entry, group, algorithm));
          else test.skip(`${name}: ${reason}`, () => undefined);
        }
      }
    });
  }
}

export const hex = (text: string): Buffer => Buffer.from(text, "hex");
