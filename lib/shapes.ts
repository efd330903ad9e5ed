// What callers pass, checked where it comes in: types of TypeScript end where a program is not written in it.
import { isUint8Array } from "node:util/types";
import { TinyMlsError, type ErrorDetails } from "./errors.js";

/** What is wrong with a value: where in it, and what ought to be there. */
interface Misfit {
  readonly at: string;
  readonly wanted: string;
}

/** Undefined for a value that fits. */
export type Shape = (value: unknown) => Misfit | undefined;

/** @param wanted what the value has to be, in words */
export function is(wanted: string, fits: (value: unknown) => boolean): Shape {
  const misfit: Misfit = { at: "", wanted };
  return (value) => (fits(value) ? undefined : misfit);
}

export function whole(least: number, most: number): Shape {
  const wanted = `a whole number from ${least} to ${most}`;
  return is(wanted, (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most);
}

export const octets = is("a Uint8Array", isUint8Array);
export const text = is("a string", (value) => typeof value === "string");
export const octetsOrText = is("a Uint8Array or a string", (value) => typeof value === "string" || isUint8Array(value));
export const flag = is("true or false", (value) => typeof value === "boolean");
export const callable = is("a function", (value) => typeof value === "function");
export const uint16 = whole(0, 0xffff);
export const uint32 = whole(0, 0xffffffff);

/** At most 2^48, so that sums of times stay exact. */
export function milliseconds(least: number, most = 2 ** 48): Shape {
  const wanted = `milliseconds from ${least} to ${most}`;
  return is(wanted, (value) => typeof value === "number" && value >= least && value <= most);
}

/** An object that can be asked to do this, of whatever class. */
export function withMethods(wanted: string, names: readonly string[]): Shape {
  return is(wanted, (value) => {
    if (typeof value !== "object" || value === null) return false;
    return names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
  });
}

export function listOf(item: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) return { at: "", wanted: "an array" };
    for (const [index, one] of (value as unknown[]).entries()) {
      const misfit = item(one);
      if (misfit !== undefined) return { ...misfit, at: `[${index}]${misfit.at}` };
    }
    return undefined;
  };
}

/** An object with these fields. One that is undefined is left out, unless it is among the `needed`. */
export function record(fields: Readonly<Record<string, Shape>>, needed: readonly string[] = []): Shape {
  const shapes = Object.entries(fields);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      return { at: "", wanted: "an object" };
    }
    for (const [name, shape] of shapes) {
      const field = (value as Record<string, unknown>)[name];
      if (field === undefined && !needed.includes(name)) continue;
      const misfit = shape(field);
      if (misfit !== undefined) return { ...misfit, at: `.${name}${misfit.at}` };
    }
    return undefined;
  };
}

/** What fits one of both. Of what fits neither the first says why, unless it is of quite another kind. */
export function either(first: Shape, second: Shape): Shape {
  return (value) => {
    const misfits = [first(value), second(value)] as const;
    if (misfits.includes(undefined)) return undefined;
    const inner = misfits.find((misfit) => misfit!.at !== "");
    return inner ?? { at: "", wanted: `${misfits[0]!.wanted} or ${misfits[1]!.wanted}` };
  };
}

/**
 * @param name of the value, for the message
 * @throws TinyMlsError `code` with the part that is wrong and what it has to be
 */
export function requireShape(
  shape: Shape,
  value: unknown,
  name: string,
  described: ErrorDetails & { readonly code?: "usage" | "config" },
): void {
  const misfit = shape(value);
  if (misfit === undefined) return;
  const { code = "usage", ...details } = described;
  const place = name === "" ? misfit.at.slice(1) || "options" : name + misfit.at;
  throw new TinyMlsError(code, `${place} has to be ${misfit.wanted}`, details);
}
