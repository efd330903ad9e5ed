// The thread that ends its process while the main thread is at whatever instruction it is at.
import { workerData } from "node:worker_threads";
import { states } from "./protocol.js";

const cell = new Int32Array(workerData as SharedArrayBuffer);
Atomics.wait(cell, 0, states.idle);
// A sleeper would wake up when a write to SQLite is long over; so does a thread that was not running.
while (Atomics.load(cell, 0) !== states.dying);
Atomics.store(cell, 0, states.counting);
const end = performance.now() + cell[1]! / 1000;
while (performance.now() < end);
process.kill(process.pid, "SIGKILL");
