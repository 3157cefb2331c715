// What the threads of a frame did: running, or what they waited in. The API
// has no state of a thread, but a JVM's waiting stacks end in a method that
// says it. A stack of a waiting type that ends elsewhere waited for a monitor
// (or was not resolved) and is "blocked"; of cpu all stacks ran; of wall both
// kinds are merged, and the first state means "running or blocked".

import type { Tree } from "./tree";

export const STATES = ["running", "parked", "waiting", "sleeping", "network", "files", "blocked"] as const;

const LEAF: [RegExp, number][] = [
  [/\.park(Nanos|Until)?$|LockSupport|_park\b|futex/i, 1],
  [/Object\.wait0?$|pthread_cond/i, 2],
  [/\.sleep0?(Nanos\d?)?$|nanosleep/i, 3],
  [/socket|epoll|\bpoll0?$|NioChannel|sun\.nio\.ch\.(Net|EPoll|KQueue|IOUtil)|\brecv|\bsend(to|msg)?\b|accept/i, 4],
  [/RandomAccessFile|FileInputStream|FileOutputStream|FileChannel|FileDispatcher|UnixNativeDispatcher|\bpread|\bpwrite|fsync/i, 5],
];

/** The state of the largest part of each node's stacks. */
export function threadStates(t: Tree, type: string): Uint8Array {
  const of = new Uint8Array(t.size);
  if (type === "cpu" || type === "alloc") return of;
  const other = type === "wall" ? 0 : 6;
  const byName = Uint8Array.from(t.strings, (s) => LEAF.find(([re]) => re.test(s.length > 300 ? s.slice(-300) : s))?.[1] ?? other);
  const k = STATES.length, sums = new Float64Array(t.size * k);
  for (let i = t.size - 1; i >= 0; i--) {
    sums[i * k + byName[t.name[i]]] += t.self[i];
    let best = 0;
    for (let s = 0; s < k; s++) {
      if (sums[i * k + s] > sums[i * k + best]) best = s;
      if (i > 0) sums[t.parent[i] * k + s] += sums[i * k + s];
    }
    of[i] = best;
  }
  return of;
}
