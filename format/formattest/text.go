package formattest

import (
	"fmt"
	"strings"
	"time"

	"tacho"
)

// Text is a result as golden files have it.
func Text(res Result) string {
	var b strings.Builder
	for _, batch := range res.Batches {
		fmt.Fprintf(&b, "batch %d of %s by %s from %s for %s\n", batch.Sequence, batch.Target, batch.Collector,
			time.Unix(0, batch.From).UTC().Format(time.RFC3339Nano), time.Duration(batch.Until-batch.From))
		for _, p := range batch.Profiles {
			fmt.Fprintf(&b, "  %s in %s\n", p.Type.Name, p.Type.Unit)
			for _, s := range p.Samples {
				fmt.Fprintf(&b, "    %d%s\n", s.Value, note(batch, s))
				for _, f := range batch.Stack(s.Stack) {
					b.WriteString("      " + frame(f) + "\n")
				}
			}
		}
		for _, s := range batch.Series {
			fmt.Fprintf(&b, "  series %s %s in %s: %v\n", s.Name, s.Labels, s.Unit, s.Points)
		}
		for _, e := range batch.Events {
			fmt.Fprintf(&b, "  event %s %q at %s for %s thread %q %s\n", e.Kind, e.Name, time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano), time.Duration(e.Duration), e.Thread, e.Attrs)
		}
	}
	for _, w := range res.Report.Warnings {
		fmt.Fprintf(&b, "warning %s: %s\n", w.Position, w.Text)
	}
	if res.Report.Dropped > 0 {
		fmt.Fprintf(&b, "%d more warnings\n", res.Report.Dropped)
	}
	return b.String()
}

func note(b *tacho.Batch, s tacho.Sample) string {
	out := ""
	if s.Time != 0 {
		out += " at +" + time.Duration(s.Time-b.From).String()
	}
	if th := b.Threads[s.Thread]; th != (tacho.Thread{}) {
		out += fmt.Sprintf(" thread %q id %d java %d group %q", th.Name, th.ID, th.JavaID, th.Group)
	}
	if s.Span != 0 {
		out += fmt.Sprintf(" span %016x", s.Span)
	}
	return out
}

func frame(f tacho.Frame) string {
	out := f.Function
	if f.File != "" || f.Line != 0 {
		out += fmt.Sprintf(" (%s:%d)", f.File, f.Line)
	}
	if f.Module != "" {
		out += " in " + f.Module
	}
	if f.Kind != tacho.KindUnknown {
		out += " " + f.Kind.String()
	}
	return out
}

// Sums is the values by target, type, thread, span and stack, the same however the
// samples are spread over batches.
func Sums(batches []*tacho.Batch) map[string]int64 {
	sums := map[string]int64{}
	for _, b := range batches {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				key := fmt.Sprintf("%s %s/%s %v %x", b.Target, p.Type.Name, p.Type.Unit, b.Threads[s.Thread], s.Span)
				for _, f := range b.Stack(s.Stack) {
					key += "\n" + frame(f)
				}
				sums[key] += s.Value
			}
		}
	}
	return sums
}
