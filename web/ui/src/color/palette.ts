// Colours of what is drawn on canvases, for both themes. The heat ramp has one
// hue and rises in contrast with the page in both. Frame kinds are told apart
// by lightness as well as hue, for readers who see few hues.

import { ramp, tints, type RGB } from "../heat/scale";

export interface Palette {
  heat: string[];
  tint: string[][]; // by matched share, TINTS + 1 steps from the heat's hue to a second one
  ground: string; // the surface a canvas lies on
  hatch: string;
  axis: string; // text beside a plot
  grid: string; // lines and gaps
  veil: string; // over what is not selected
  mark: string; // outlines of selection and cursor
  base: string; // outline of the baseline
  kinds: Record<string, string>;
  packages: string[];
  strokes: string[]; // lines and bars: the same hues, at least 3:1 on the ground
  states: string[]; // of threads, in the order of icicle/threadstate.ts
  diff: string[]; // from gone over unchanged to new: blue, grey, orange
  fadedText: string; // on frames that a search leaves aside
  text: string; // on frames
  small: string; // a run of frames too small to draw
}

const LIGHT_HEAT: RGB[] = [[252, 238, 233], [248, 203, 188], [240, 141, 117], [212, 69, 49], [139, 22, 24], [84, 8, 20]];
const DARK_HEAT: RGB[] = [[46, 30, 31], [84, 36, 34], [142, 47, 40], [205, 74, 56], [243, 134, 106], [255, 214, 194]];

const LIGHT: Palette = {
  heat: ramp(LIGHT_HEAT), tint: tints(LIGHT_HEAT, [[230, 243, 250], [176, 218, 240], [96, 170, 222], [24, 110, 186], [10, 62, 128], [8, 30, 72]]),
  ground: "#ffffff", hatch: "#d9d6d0", axis: "#6b6760", grid: "#e7e4de", veil: "rgba(255,255,255,.6)", mark: "#1558c0", base: "#0b7d5c",
  kinds: {
    jit: "#f4b978", inlined: "#fadfa6", interpreted: "#e59a86", native: "#a3bdea", kernel: "#c9b2e2", compiler: "#86cfc6",
    gc: "#b9cf8e", vm: "#c7ccd4", unsampled: "#e4e2dd", unknown: "#d8d3c9",
  },
  packages: ["#f4b978", "#a3bdea", "#b9cf8e", "#e8a9a0", "#c9b2e2", "#86cfc6", "#e6cf7c", "#d3b79b", "#9fd0e6", "#e3a8cb", "#c2c9a5", "#bcc3cf"],
  states: ["#f4b978", "#c7ccd4", "#dcd6ea", "#e4e2dd", "#a3bdea", "#86cfc6", "#e59a86"],
  diff: ["#4f86d9", "#86aee8", "#b4cdf1", "#d5e2f5", "#e4e2dd", "#fbe3c4", "#f8cd92", "#f0ac55", "#df8420"],
  strokes: ["#c2660a", "#2f6bd0", "#4f7a12", "#c4453a", "#7a52b8", "#0e7d72", "#8a7211", "#8a6238", "#2b7d9c", "#b04a8c"],
  fadedText: "#6b6760", text: "#231d14", small: "#cfcac1",
};

const DARK: Palette = {
  heat: ramp(DARK_HEAT), tint: tints(DARK_HEAT, [[26, 36, 46], [28, 58, 84], [34, 92, 142], [52, 132, 205], [112, 184, 243], [200, 230, 255]]),
  ground: "#181a1e", hatch: "#31343a", axis: "#9a9ca3", grid: "#2a2d33", veil: "rgba(24,26,30,.62)", mark: "#7fb2ff", base: "#4fd6a8",
  kinds: {
    jit: "#9a5f24", inlined: "#87702f", interpreted: "#a4503f", native: "#3f62a4", kernel: "#6f529b", compiler: "#2b7c74",
    gc: "#5d7531", vm: "#565d69", unsampled: "#3e4147", unknown: "#55514a",
  },
  packages: ["#9a5f24", "#3f62a4", "#5d7531", "#9c4f49", "#6f529b", "#2b7c74", "#85731f", "#7a5f44", "#2f7390", "#8e4a75", "#65693f", "#565d69"],
  states: ["#9a5f24", "#565d69", "#5b5272", "#3e4147", "#3f62a4", "#2b7c74", "#a4503f"],
  diff: ["#3f7be0", "#3763b0", "#304f85", "#2c3f60", "#3e4147", "#5c4427", "#7d5525", "#a56b22", "#cf8324"],
  strokes: ["#e59a4a", "#7fb2ff", "#a8c46a", "#ff8a7d", "#c2a3ea", "#4fc4b7", "#d8bf58", "#c9a27a", "#6fc0de", "#e58fc4"],
  fadedText: "#9a9ca3", text: "#f6f1e9", small: "#3a3d44",
};

export const palette = (dark: boolean): Palette => (dark ? DARK : LIGHT);

/** A small number from a name, the same on every machine. */
export function nameHash(s: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < s.length && i < 200; i++) h = Math.imul(h ^ s.charCodeAt(i), 0x01000193);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The part of a name that shares a colour: its first three packages. */
export function packageOf(name: string): string {
  const stop = name.search(/[(<[\s]/);
  const ids = (stop < 0 ? name : name.slice(0, stop)).split(".");
  return ids.slice(0, Math.max(0, Math.min(3, ids.length - 2))).join(".");
}

/** The words of the legend. */
export const KIND_LABELS: Record<string, string> = {
  jit: "JIT-compiled", inlined: "Inlined", interpreted: "Interpreted", native: "Native", kernel: "Kernel",
  compiler: "JIT compiler", gc: "GC", vm: "VM", unsampled: "Not sampled", unknown: "Unknown",
};

export const STATE_LABELS: Record<string, string> = {
  running: "Running", parked: "Parked", waiting: "Waiting", sleeping: "Sleeping", network: "Network I/O", files: "File I/O", blocked: "Blocked",
};
