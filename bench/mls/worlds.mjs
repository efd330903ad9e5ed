// The groups that are measured.
import { mlsRsAwsLc, mlsRsOpenssl, openMls } from "./rust-peers.mjs";
import * as tsMls from "./ts-mls.mjs";

const slow = { [tsMls.name]: "it takes minutes there" };
const large = { ...slow, [openMls]: "it takes minutes there" };
const largest = { ...large, [mlsRsOpenssl]: "it takes minutes there", [mlsRsAwsLc]: "it takes minutes there" };

export const worlds = [
  { suite: 1, members: 2, populated: false },
  { suite: 1, members: 10, populated: false, quick: true },
  { suite: 1, members: 10, populated: true, quick: true },
  { suite: 1, members: 100, populated: false },
  { suite: 1, members: 100, populated: true },
  { suite: 1, members: 1000, populated: false },
  { suite: 1, members: 1000, populated: true },
  { suite: 1, members: 10_000, populated: false, without: large },
  { suite: 1, members: 10_000, populated: true, without: large },
  { suite: 1, members: 50_000, populated: false, without: largest },
  { suite: 1, members: 50_000, populated: true, without: largest },
  ...[2, 7].flatMap((suite) => [
    { suite, members: 100, populated: true },
    { suite, members: 1000, populated: false, without: suite === 7 ? slow : undefined },
  ]),
];
