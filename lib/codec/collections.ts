import type { Codec, Shape } from "./codec.js";
import { located, misfit } from "./fault.js";
import type { Reader } from "./reader.js";

/** `T name<V>`. */
export function vector<T>(element: Codec<T>): Codec<readonly T[]> {
  if (element.minSize === 0) throw new TypeError(`a vector of ${element.name}, which may be empty, has no end`);
  const width = numberWidth(element.shape);
  return {
    name: `${element.name}<V>`,
    minSize: 1,
    depth: element.depth + 1,
    shape: { kind: "vector", of: element },
    read: (r, parent) => {
      const length = r.length();
      if (length === 0) return [];
      const outer = r.end;
      r.end = r.offset + length;
      const list = width === undefined ? readAll(r, element, parent) : readNumbers(r, element, width);
      r.end = outer;
      return list;
    },
    write: (w, value, parent) => {
      const list = checkList(value);
      const mark = w.open();
      let index = 0;
      try {
        for (; index < list.length; index++) element.write(w, list[index]!, parent);
      } catch (error) {
        throw located(error, index);
      }
      w.close(mark);
    },
    json: (value, parent) =>
      checkList(value).map((item, index) => {
        try {
          return element.json(item, parent);
        } catch (error) {
          throw located(error, index);
        }
      }),
  };
}

function readAll<T>(r: Reader, element: Codec<T>, parent: object): T[] {
  const list: T[] = [];
  const end = r.end;
  try {
    while (r.offset < end) {
      r.countElement();
      list.push(element.read(r, parent));
    }
  } catch (error) {
    throw located(error, list.length);
  }
  return list;
}

/** Numbers are bounded by the size of the input, so they are not counted as elements. */
function numberWidth(shape: Shape): number | undefined {
  return shape.kind === "enum" || (shape.kind === "integer" && shape.width < 8) ? shape.width : undefined;
}

function readNumbers<T>(r: Reader, element: Codec<T>, width: number): T[] {
  const count = Math.ceil((r.end - r.offset) / width);
  const list = new Array<T>(count);
  let index = 0;
  try {
    for (; index < count; index++) list[index] = element.read(r, list);
  } catch (error) {
    throw located(error, index);
  }
  return list;
}

function checkList<T>(value: readonly T[]): readonly T[] {
  if (Array.isArray(value)) return value as readonly T[];
  throw misfit("an array is wanted");
}

/** `optional<T>`, RFC 9420 §2.1.1: null when absent. */
export function optional<T>(inner: Codec<T>): Codec<T | null> {
  return {
    name: `optional<${inner.name}>`,
    minSize: 1,
    depth: inner.depth,
    shape: { kind: "optional", of: inner },
    read: (r, parent) => {
      const present = r.uint8();
      if (present === 0) return null;
      if (present !== 1) throw r.fault(`presence octet ${present}`, r.offset - 1, "2.1.1/presence-octet");
      return inner.read(r, parent);
    },
    write: (w, value, parent) => {
      if (value === null) return w.uint8(0);
      w.uint8(1);
      inner.write(w, value, parent);
    },
    json: (value, parent) => (value === null ? null : inner.json(value, parent)),
  };
}
