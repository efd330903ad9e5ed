import type { Dice } from "../codec/dice.js";

const telling = [0x00, 0x01, 0x02, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff];
const headers = [
  "00",
  "3f",
  "4040",
  "403f",
  "7fff",
  "80004000",
  "80003fff",
  "bfffffff",
  "c0",
  "0a0a",
  "f001",
  "0001",
].map((hex) => Buffer.from(hex, "hex"));

type Mutation = (input: Buffer, dice: Dice, other: Uint8Array) => Buffer;

const at = (input: Buffer, dice: Dice) => dice.nat(Math.max(0, input.length - 1));
const insert = (input: Buffer, place: number, octets: Uint8Array) =>
  Buffer.concat([input.subarray(0, place), octets, input.subarray(place)]);
const part = (bytes: Uint8Array, dice: Dice, most: number) => {
  const start = dice.nat(Math.max(0, bytes.length - 1));
  return bytes.subarray(start, start + 1 + dice.nat(most));
};
function overwrite(input: Buffer, place: number, octets: Uint8Array): Buffer {
  const out = Buffer.from(input);
  out.set(octets.subarray(0, Math.max(0, out.length - place)), place);
  return out;
}

const mutations: readonly Mutation[] = [
  (input, dice) => overwrite(input, at(input, dice), Buffer.of(dice.nat(255))),
  (input, dice) => overwrite(input, at(input, dice), Buffer.of(dice.pick(...telling))),
  (input, dice) => {
    const place = at(input, dice);
    return overwrite(input, place, Buffer.of((input[place] ?? 0) ^ (1 << dice.nat(7))));
  },
  (input, dice) => {
    const place = at(input, dice);
    return overwrite(input, place, Buffer.of(((input[place] ?? 0) + dice.pick(-1, 1) + 256) & 0xff));
  },
  (input, dice) => overwrite(input, at(input, dice), dice.pick(...headers)),
  (input, dice) => insert(input, at(input, dice), dice.pick(...headers)),
  (input, dice) => insert(input, at(input, dice), part(input, dice, 40)),
  (input, dice) => insert(input, at(input, dice), Buffer.alloc(1 + dice.nat(70), dice.nat(255))),
  (input, dice) => {
    const place = at(input, dice);
    return Buffer.concat([input.subarray(0, place), input.subarray(place + 1 + dice.nat(40))]);
  },
  (input, dice) => input.subarray(0, dice.nat(input.length)),
  (input, dice, other) => overwrite(input, at(input, dice), part(other, dice, 60)),
  (input, dice, other) => insert(input, at(input, dice), part(other, dice, 60)),
  (input, dice, other) => Buffer.concat([input.subarray(0, at(input, dice)), other.subarray(dice.nat(other.length))]),
];

/** A few random changes; `other` is a second input to take pieces from. Never longer than `most`. */
export function mutate(input: Uint8Array, other: Uint8Array, dice: Dice, most: number): Uint8Array {
  let out: Buffer = Buffer.from(input);
  for (let left = 1 + dice.nat(dice.pick(1, 2, 5)); left > 0; left--) out = dice.pick(...mutations)(out, dice, other);
  return Uint8Array.prototype.slice.call(out, 0, most);
}
