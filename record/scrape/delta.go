package scrape

import (
	"hash/maphash"

	"tacho"
)

// stackKey is a stack of one label set, by 128 bits of it: the frames of a
// large heap are tens of megabytes, their keys are not.
type stackKey [2]uint64

// delta turns what a target has counted since it began into what it has counted
// since the last look.
type delta struct {
	seeds [2]maphash.Seed
	last  map[string]map[stackKey]int64 // by type; nil: there was no look yet
}

func newDelta() *delta { return &delta{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}} }

// cumulative are the types counted since the target began; the others are a
// state of things.
func cumulative(name string) bool {
	switch name {
	case "alloc_objects", "alloc_space", "mutex_count", "mutex_duration", "block_count", "block_duration":
		return true
	}
	return false
}

// take subtracts the last look from the batches of this one, in place, and
// remembers this one. Types that cannot be told yet, because there was no last
// look, are removed. restarted says that the target counts from zero again.
func (d *delta) take(batches []*tacho.Batch) (restarted bool) {
	now := map[string]map[stackKey]int64{}
	for _, b := range batches {
		keys := d.keys(b)
		for i := range b.Profiles {
			p := &b.Profiles[i]
			if !cumulative(p.Type.Name) {
				continue
			}
			sums := now[p.Type.Name]
			if sums == nil {
				sums = map[stackKey]int64{}
				now[p.Type.Name] = sums
			}
			// Equal stacks become one sample, so that there is one difference.
			first := map[uint32]int{}
			kept := p.Samples[:0]
			for _, s := range p.Samples {
				sums[keys[s.Stack]] += s.Value
				if k, ok := first[s.Stack]; ok {
					kept[k].Value += s.Value
					continue
				}
				first[s.Stack] = len(kept)
				kept = append(kept, s)
			}
			p.Samples = kept
		}
	}
	for name, sums := range now {
		restarted = restarted || began(d.last[name], sums)
	}
	for _, b := range batches {
		d.subtract(b, restarted)
	}
	d.last = now
	return restarted
}

func (d *delta) subtract(b *tacho.Batch, restarted bool) {
	keys := d.keys(b)
	kept := b.Profiles[:0]
	for _, p := range b.Profiles {
		if cumulative(p.Type.Name) {
			last, known := d.last[p.Type.Name]
			if !known && !restarted {
				continue
			}
			samples := p.Samples[:0]
			for _, s := range p.Samples {
				if !restarted {
					// The runtime scales what it samples by the average size of a
					// stack's allocations, so that a count may go down a little.
					s.Value = max(s.Value-last[keys[s.Stack]], 0)
					delete(last, keys[s.Stack]) // of two stacks with one key, one is subtracted from
				}
				if s.Value > 0 {
					samples = append(samples, s)
				}
			}
			p.Samples = samples
		}
		kept = append(kept, p)
	}
	b.Profiles = kept
}

// began reports whether counters look as if they had begun anew: less in all,
// or less in most places.
func began(last, now map[stackKey]int64) bool {
	var before, after int64
	fell, had := 0, 0
	for k, v := range last {
		before += v
		if v > 0 {
			had++
			if now[k] < v {
				fell++
			}
		}
	}
	for _, v := range now {
		after += v
	}
	return after < before || fell > had/2
}

// keys are those of a batch's stacks.
func (d *delta) keys(b *tacho.Batch) []stackKey {
	frames := make([]stackKey, len(b.Frames))
	target := b.Target.String()
	for half, seed := range d.seeds {
		var h maphash.Hash
		h.SetSeed(seed)
		for i, f := range b.Frames {
			h.Reset()
			h.WriteString(b.Strings[f.Function])
			h.WriteByte(0)
			h.WriteString(b.Strings[f.File])
			h.WriteByte(0)
			h.WriteString(b.Strings[f.Module])
			write(&h, uint64(f.Line))
			frames[i][half] = h.Sum64()
		}
	}
	out := make([]stackKey, len(b.Stacks))
	for half, seed := range d.seeds {
		var h maphash.Hash
		h.SetSeed(seed)
		for i, s := range b.Stacks {
			h.Reset()
			h.WriteString(target)
			for _, f := range s {
				write(&h, frames[f][half])
			}
			out[i][half] = h.Sum64()
		}
	}
	return out
}

func write(h *maphash.Hash, v uint64) {
	var b [8]byte
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
	h.Write(b[:])
}
