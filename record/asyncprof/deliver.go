package asyncprof

import (
	"context"
	"fmt"
	"io"

	"tacho"
	"tacho/format"
	"tacho/format/jfr"
)

// collector is who the batches say saw them.
const collector = "async-profiler"

// prefixOf begins the names of types: see the package comment.
const prefixOf = "async_"

// batchSamples keeps the agent small: more are handed over in several batches.
const batchSamples = 50_000

// deliver decodes a recording and hands it over.
func (w *worker) deliver(ctx context.Context, f io.Reader, r Rule) error {
	o := format.Options{Target: w.target, Collector: collector, Now: w.c.o.Now,
		Limits: format.Limits{Samples: batchSamples, Bytes: 2 * w.c.o.MaxFile, Memory: 64 << 20, Strings: 500_000}}
	rep, err := jfr.Decoder().Decode(ctx, f, o, func(b *tacho.Batch) error {
		own(b, r.Event)
		if len(b.Profiles) == 0 {
			return nil
		}
		if err := w.c.o.Deliver(ctx, b); err != nil {
			return fmt.Errorf("deliver the recording of process %d: %w", w.proc.PID, err)
		}
		w.note(func(s *state) { s.batches++ })
		return nil
	})
	w.note(func(s *state) { s.samples += rep.Samples })
	if err != nil {
		return fmt.Errorf("read the recording async-profiler made of process %d: %w", w.proc.PID, err)
	}
	for _, x := range rep.Warnings {
		w.c.o.Log.Debug("a recording of async-profiler is odd", "pid", w.proc.PID, "at", x.Position, "what", x.Text)
	}
	return nil
}

// own gives what async-profiler saw names of its own, and leaves out what is in
// the JVM's own batches: its events and series.
func own(b *tacho.Batch, event string) {
	b.Series, b.Events = nil, nil
	var out []tacho.Profile
	for _, p := range b.Profiles {
		if event == "wall" && (p.Type == tacho.CPU || p.Type == tacho.OffCPU) {
			p.Type = tacho.Wall
		}
		p.Type.Name = prefixOf + p.Type.Name
		merged := false
		for i := range out {
			if out[i].Type == p.Type {
				out[i].Samples, merged = append(out[i].Samples, p.Samples...), true
			}
		}
		if !merged {
			out = append(out, p)
		}
	}
	b.Profiles = out
}
