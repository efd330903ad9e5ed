type Bytes = Uint8Array;

/** A slot of the directory that changed: what one publisher publishes of one group. */
export interface SlotChange {
  /** Group and publisher, by their hashes: `<64 hexadecimal digits>/<64 hexadecimal digits>`. */
  readonly slot: string;
  /** The publication that was held last time; undefined when there was none. */
  readonly before: Bytes | undefined;
}

/** What a replica is given by the directory that it belongs to. */
export interface ReplicaHost {
  /**
   * Takes in what the replica holds. Invalid publications are skipped.
   * @param read gives the publications
   * @returns those that expired too long ago to matter, which the replica may erase; rejects when `read` does
   */
  receive(read: () => Promise<readonly Bytes[]> | readonly Bytes[]): Promise<readonly Bytes[]>;

  /** The publication that the directory holds in a slot now. */
  held(slot: string): Bytes | undefined;
}

/**
 * A place where a directory is kept or shared, in whatever way: what one writes, others sooner or later receive. It may lose,
 * repeat, reorder and alter, and need not be trusted: what comes from it is verified like any other input.
 */
export interface DirectoryReplica {
  /** Begins to hear of changes, then has `host` receive all that is there. Called once, before anything else. */
  connect(host: ReplicaHost): Promise<void>;

  /** Brings slots up to what the host holds. Called again with the same slots when it rejects. Never called twice at once. */
  write(changes: readonly SlotChange[]): Promise<void>;

  /** Ends to hear of changes. What lies beneath stays open. */
  close(): Promise<void>;
}
