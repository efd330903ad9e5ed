/** Octets of a frame's header: version and suite (1), epoch (4), step (4), sender id (8), sequence number (6). */
export const FRAME_HEADER = 23;

/** Octets of a frame beside the text: the header and the tag. */
export const FRAME_OVERHEAD = FRAME_HEADER + 16;
