// RFC 9420 §7.2, §7.3, §11.1: what members support, folded over the tree so that a commit looks at its changed leaves only.
import { greaseValues, type LeafNode } from "../objects/index.js";

/**
 * What one member, or all of some members, support. Lists of types are sorted and hold each type once, and none of GREASE (RFC 9420 §13.5):
 * this client supports none, so no group that it is in does, whatever others list.
 */
export interface Support {
  /** Types of the credentials in use. */
  readonly credentialsInUse: readonly number[];
  /** Types that each of the members lists in its capabilities. */
  readonly credentials: readonly number[];
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
}

/** The support of one leaf. */
export function supportOf(leaf: LeafNode): Support {
  const { credentials, extensions, proposals } = leaf.capabilities;
  return {
    credentialsInUse: [leaf.credential.credentialType],
    credentials: sorted(withoutGrease(credentials)),
    extensions: sorted(withoutGrease(extensions)),
    proposals: sorted(withoutGrease(proposals)),
  };
}

const grease: ReadonlySet<number> = new Set(greaseValues);

function withoutGrease(types: readonly number[]): readonly number[] {
  return types.some((type) => grease.has(type)) ? types.filter((type) => !grease.has(type)) : types;
}

const mostKept = 256;

/** Lets the members of a tree share their lists of types, most of which are the same. */
export class SharedSupport {
  readonly #lists = new Map<number, readonly number[]>();
  #last: Support | undefined;

  /** The same support, of lists that were seen before where there are such. */
  of(support: Support): Support {
    if (this.#last !== undefined && isSame(support, this.#last)) return this.#last;
    return (this.#last = {
      credentialsInUse: this.#list(support.credentialsInUse),
      credentials: this.#list(support.credentials),
      extensions: this.#list(support.extensions),
      proposals: this.#list(support.proposals),
    });
  }

  #list(types: readonly number[]): readonly number[] {
    let hash = types.length;
    for (const type of types) hash = (Math.imul(hash, 31) + type) | 0;
    const known = this.#lists.get(hash);
    if (known !== undefined) return isSameList(known, types) ? known : types;
    if (this.#lists.size < mostKept) this.#lists.set(hash, types);
    return types;
  }
}

export const noSupport: Support = Object.freeze({
  credentialsInUse: [],
  credentials: [],
  extensions: [],
  proposals: [],
});

/** The support of the members of both. */
export function bothSupport(a: Support, b: Support): Support {
  if (a === b) return a;
  const both = {
    credentialsInUse: sorted([...a.credentialsInUse, ...b.credentialsInUse]),
    credentials: common(a.credentials, b.credentials),
    extensions: common(a.extensions, b.extensions),
    proposals: common(a.proposals, b.proposals),
  };
  if (isSame(both, a)) return a;
  return isSame(both, b) ? b : both;
}

function sorted(types: readonly number[]): readonly number[] {
  for (let i = 1; i < types.length; i++) {
    if (types[i - 1]! >= types[i]!) return [...new Set(types)].sort((a, b) => a - b);
  }
  return types;
}

function common(a: readonly number[], b: readonly number[]): readonly number[] {
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const difference = a[i]! - b[j]!;
    if (difference === 0) out.push(a[i]!);
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
  return out;
}

function isSame(a: Support, b: Support): boolean {
  if (a === b) return true;
  return (
    isSameList(a.credentialsInUse, b.credentialsInUse) &&
    isSameList(a.credentials, b.credentials) &&
    isSameList(a.extensions, b.extensions) &&
    isSameList(a.proposals, b.proposals)
  );
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((type, i) => type === b[i]);
}
