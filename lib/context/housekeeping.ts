/** What the timer looks after. It is held weakly: a Context that nobody uses any more can be collected. */
export interface Tended {
  readonly gcInterval: number;
  /** False: there is nothing left to look after. */
  tend(): boolean;
}

interface Entry {
  readonly tended: WeakRef<Tended>;
  readonly interval: number;
  due: number;
}

// One timer for all Contexts of the thread: a binary heap of what is due, the earliest first.
const heap: Entry[] = [];
let timer: NodeJS.Timeout | undefined;
let timerDue = Infinity;

/** Entries that are due within so many milliseconds of each other are seen to together. */
const granularity = 10;

/** Calls `tend` every `gcInterval` until it answers false. The first time comes at a random part of it, so that many Contexts spread. */
export function lookAfter(tended: Tended): void {
  const interval = tended.gcInterval;
  push({ tended: new WeakRef(tended), interval, due: performance.now() + interval * (0.5 + Math.random() / 2) });
  schedule();
}

function schedule(): void {
  const due = heap[0]?.due;
  if (due === undefined) {
    clearTimeout(timer);
    timerDue = Infinity;
  } else if (due < timerDue) {
    clearTimeout(timer);
    timerDue = due;
    timer = setTimeout(tendDue, Math.max(granularity, due - performance.now()));
    timer.unref();
  }
}

function tendDue(): void {
  timerDue = Infinity;
  const now = performance.now();
  try {
    for (let entry = heap[0]; entry !== undefined && entry.due <= now; entry = heap[0]) {
      pop();
      const tended = entry.tended.deref();
      if (tended?.tend() !== true) continue;
      entry.due = now + entry.interval;
      push(entry);
    }
  } finally {
    schedule();
  }
}

function push(entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.due <= entry.due) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function pop(): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) ++child;
    if (last.due <= heap[child]!.due) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
