import { FRAME_OVERHEAD } from "../../context/index.js";

/** The public header of a frame: docs/context.md. */
export interface FrameHeader {
  readonly epoch: number;
  readonly step: number;
  readonly sender: string;
  readonly sequence: number;
}

export function headerOf(frame: Buffer): FrameHeader {
  return {
    epoch: frame.readUInt32BE(1),
    step: frame.readUInt32BE(5),
    sender: frame.toString("hex", 9, 17),
    sequence: frame.readUIntBE(17, 6),
  };
}

const prefixLength = 4;

/** The frames of a stream, each with the length before it. */
export function* framesOf(stream: Buffer): Generator<Buffer> {
  for (let at = 0; at + prefixLength + FRAME_OVERHEAD <= stream.length;) {
    const end = at + prefixLength + stream.readUInt32BE(at);
    yield stream.subarray(at, end);
    at = end;
  }
}
