import { expect } from "@jest/globals";
import { decode, encode } from "#dist/codec/index.js";
import { confirmationTag, verifyConfirmationTag } from "#dist/mls/framing/index.js";
import { AuthenticatedContent, ContentType, FramedContent } from "#dist/mls/objects/index.js";
import { confirmedTranscriptHash, interimTranscriptHash } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { testEntries } from "../vectors.js";

interface Entry {
  readonly cipher_suite: number;
  readonly confirmation_key: string;
  readonly authenticated_content: string;
  readonly interim_transcript_hash_before: string;
  readonly confirmed_transcript_hash_after: string;
  readonly interim_transcript_hash_after: string;
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");

testEntries<Entry>("mls/transcript-hashes.json", (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const { wireFormat, content, auth } = decode(AuthenticatedContent, hex(entry.authenticated_content));
  expect(content.contentType).toBe(ContentType.commit);
  const covered = [Buffer.from([0, wireFormat]), encode(FramedContent, content)];
  const confirmed = confirmedTranscriptHash(suite, hex(entry.interim_transcript_hash_before), covered, auth.signature);
  expect(confirmed.toString("hex")).toBe(entry.confirmed_transcript_hash_after);
  expect(interimTranscriptHash(suite, confirmed, auth.confirmationTag!).toString("hex")).toBe(
    entry.interim_transcript_hash_after,
  );
  const key = Secret.from(hex(entry.confirmation_key));
  expect(confirmationTag(suite, key, confirmed).equals(auth.confirmationTag!)).toBe(true);
  expect(() => verifyConfirmationTag(suite, key, confirmed, auth.confirmationTag)).not.toThrow();
  expect(() => verifyConfirmationTag(suite, key, confirmed.subarray(1), auth.confirmationTag)).toThrow(
    expect.objectContaining({ rule: "6.1/confirmation-tag" }),
  );
  key.dispose();
});
