// A tree in the API's columns from a terse notation, for tests.

import type { Columns } from "../src/icicle/tree";

export type Node = [name: string, self: number, ...kids: Node[]];

export function columns(root: Node): Columns {
  const strings = [""], ids = new Map<string, number>();
  const nodes: Columns["nodes"] = { level: [], name: [], file: [], kind: [], offset: [], total: [], self: [] };
  const put = ([name, self, ...kids]: Node, level: number, offset: number): number => {
    if (!ids.has(name)) { ids.set(name, strings.length); strings.push(name); }
    const i = nodes.level.length;
    nodes.level.push(level); nodes.name.push(ids.get(name)!); nodes.file.push(0); nodes.kind.push(2);
    nodes.offset.push(offset); nodes.total.push(0); nodes.self.push(self);
    let sum = 0;
    for (const k of kids) sum += put(k, level + 1, offset + sum);
    return (nodes.total[i] = sum + self);
  };
  const total = put(root, 0, 0);
  return { unit: "nanoseconds", total, seconds: 60, strings, nodes, kinds: ["unknown", "interpreted", "jit"], pruned: { count: 0, sum: 0 } };
}

/** all(100) = a(60: b 40, c 20) + d(30: b 10, self 20) + self 10 */
export const SMALL: Node = ["all", 10, ["a", 0, ["b", 40], ["c", 20]], ["d", 20, ["b", 10]]];
