// Labels of frames. Measuring text is the dear part of drawing, so the forms
// of a name are kept per tree, the width of a character is measured once, and
// a name's forms are added up once.

import { fitMeasured, forms } from "../text/name";
import { nodeName, type Tree } from "./tree";

interface Names { forms: string[]; widths: number[]; }

export class Labels {
  private tree: readonly string[] | null = null;
  private byName: (Names | undefined)[] = [];
  private ascii = new Float64Array(128).fill(NaN);
  private other = new Map<string, number>();

  /** What of a name fits a width; "" when nothing does. */
  of(ctx: CanvasRenderingContext2D, t: Tree, node: number, width: number, before = ""): string {
    if (this.tree !== t.strings) { this.tree = t.strings; this.byName = []; }
    const measure = (s: string) => this.measure(ctx, s);
    let n = this.byName[t.name[node]];
    if (!n) {
      const f = forms(nodeName(t, node));
      n = this.byName[t.name[node]] = { forms: f, widths: f.map(measure) };
    }
    const text = fitMeasured(n.forms, n.widths, before ? width - measure(before) : width, measure);
    return text && before + text;
  }

  /** The sum of the widths of its characters: near enough, and cheap. */
  private measure(ctx: CanvasRenderingContext2D, s: string): number {
    let w = 0;
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c < 128) w += this.ascii[c] === this.ascii[c] ? this.ascii[c] : (this.ascii[c] = ctx.measureText(s[i]).width);
      else {
        const one = String.fromCodePoint(s.codePointAt(i)!);
        let v = this.other.get(one);
        if (v === undefined) {
          if (this.other.size > 5000) this.other.clear(); // foreign text has no end
          this.other.set(one, (v = ctx.measureText(one).width));
        }
        w += v;
        i += one.length - 1;
      }
    }
    return w;
  }
}
