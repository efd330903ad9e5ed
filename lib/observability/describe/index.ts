import { decode, type Codec, type Infer } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { GroupInfo, KeyPackage, MLSMessage, RatchetTree } from "../../mls/objects/index.js";
import { wireFormat } from "../../mls/objects/enumerations.js";
import { describeMessage } from "./messages.js";
import { describeGroupInfo, describeKeyPackage } from "./objects.js";
import { describeRatchetTree } from "./ratchet-tree.js";
import { count, Outline } from "./outline.js";

interface Kind {
  readonly codec: Codec<unknown>;
  readonly title: (value: unknown) => string;
  readonly write: (out: Outline, value: unknown) => void;
}

function kind<C extends Codec<unknown>>(
  codec: C,
  title: (value: Infer<C>) => string,
  write: (out: Outline, value: Infer<C>) => void,
): Kind {
  return { codec, title, write } as Kind;
}

const kinds: readonly Kind[] = [
  kind(MLSMessage, (message) => `MLSMessage ${wireFormat.nameOf(message.wireFormat)!}`, describeMessage),
  kind(KeyPackage, () => "KeyPackage", describeKeyPackage),
  kind(GroupInfo, () => "GroupInfo", describeGroupInfo),
  kind(RatchetTree, () => "RatchetTree", describeRatchetTree),
];

/**
 * Tells people what an MLS message is, in indented lines: type, group, epoch, sender, proposals, leaf nodes, credentials, lifetimes.
 * A KeyPackage, a GroupInfo and a ratchet tree are also known without the MLSMessage around them. Nothing is verified, and
 * application data is told by its size alone. Names that could disturb a terminal are shown as hex.
 * @throws TinyMlsError `malformed` when `bytes` is none of these, with the place where the likeliest of them broke off.
 */
export function describe(bytes: Uint8Array): string {
  let furthest: TinyMlsError | undefined;
  for (const { codec, title, write } of kinds) {
    try {
      const value = decode(codec, bytes);
      const out = new Outline();
      out.section(`${title(value)}, ${count(bytes.byteLength, "octet")}`, (inner) => write(inner, value));
      return out.toString();
    } catch (error) {
      if (!(error instanceof TinyMlsError) || error.code !== "malformed") throw error;
      if (furthest === undefined || error.offset! > furthest.offset!) furthest = error;
    }
  }
  throw new TinyMlsError("malformed", `no MLS message, nearest is: ${furthest!.message}`, {
    operation: "describe",
    component: "codec",
    offset: furthest!.offset!,
    path: furthest!.path!,
  });
}
