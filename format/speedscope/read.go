package speedscope

import (
	"math"

	"tacho"
	"tacho/format"
)

// file is what a file says, its stacks as numbers.
type file struct {
	e        *format.Emitter
	j        *format.JSON
	frames   []tacho.Frame
	profiles []prof
	held     int64 // bytes of the numbers
}

// prof is one profile.
type prof struct {
	kind, name, unit string
	start, end       float64
	stacks           []uint32 // frames of all samples, root first
	ends             []uint32 // by sample: where it ends in stacks
	weights          []float64
	events           []event
	at               string // where it begins in the file
}

type event struct {
	at    float64
	frame uint32
	open  bool
}

func (f *file) read() error {
	seen := false
	err := f.j.Object(func(key []byte) error {
		switch string(key) {
		case "shared":
			return f.j.Object(func(key []byte) error {
				if string(key) == "frames" {
					return f.j.Array(f.frame)
				}
				return f.j.Skip()
			})
		case "profiles":
			seen = true
			return f.j.Array(f.profile)
		}
		return f.j.Skip()
	})
	if err != nil {
		return err
	}
	if !seen {
		return f.j.Bad("no profiles")
	}
	return f.j.End()
}

// hold counts n bytes more.
func (f *file) hold(n int) error {
	if f.held += int64(n); f.held > f.e.Limits.Memory {
		return f.e.Limit(format.LimitMemory, f.e.Limits.Memory, f.j.Position())
	}
	return nil
}

func (f *file) text(to *string) error {
	if null, err := f.j.Null(); null || err != nil {
		return err
	}
	s, err := f.j.String()
	*to = string(s)
	return err
}

func (f *file) frame() error {
	var fr tacho.Frame
	err := f.j.Object(func(key []byte) error {
		switch string(key) {
		case "name":
			return f.text(&fr.Function)
		case "file":
			return f.text(&fr.File)
		case "line":
			if null, err := f.j.Null(); null || err != nil {
				return err
			}
			n, err := f.j.Number()
			if n >= 1 && n <= math.MaxInt32 {
				fr.Line = int32(n)
			}
			return err
		}
		return f.j.Skip()
	})
	if err != nil {
		return err
	}
	f.frames = append(f.frames, fr)
	return f.hold(80 + len(fr.Function) + len(fr.File))
}

func (f *file) profile() error {
	p := prof{at: f.j.Position()}
	err := f.j.Object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			return f.text(&p.kind)
		case "name":
			return f.text(&p.name)
		case "unit":
			return f.text(&p.unit)
		case "startValue":
			p.start, err = f.j.Number()
			return err
		case "endValue":
			p.end, err = f.j.Number()
			return err
		case "samples":
			return f.j.Array(func() error { return f.sample(&p) })
		case "weights":
			return f.j.Array(func() error {
				w, err := f.j.Number()
				if err != nil {
					return err
				}
				if w < 0 {
					return f.j.Bad("weight %v", w)
				}
				p.weights = append(p.weights, w)
				return f.hold(8)
			})
		case "events":
			return f.j.Array(func() error { return f.event(&p) })
		}
		return f.j.Skip()
	})
	f.profiles = append(f.profiles, p) // as far as it goes
	return err
}

func (f *file) index() (uint32, error) {
	n, err := f.j.Int()
	if err != nil {
		return 0, err
	}
	if n < 0 || n >= math.MaxUint32 {
		return 0, f.j.Bad("frame %d", n)
	}
	return uint32(n), f.hold(4)
}

func (f *file) sample(p *prof) error {
	err := f.j.Array(func() error {
		n, err := f.index()
		if err == nil {
			p.stacks = append(p.stacks, n)
		}
		return err
	})
	if err != nil {
		return err
	}
	p.ends = append(p.ends, uint32(len(p.stacks)))
	return f.hold(4)
}

func (f *file) event(p *prof) error {
	var ev event
	kind := byte(0)
	err := f.j.Object(func(key []byte) (err error) {
		switch string(key) {
		case "type":
			s, err := f.j.String()
			if len(s) == 1 {
				kind = s[0]
			}
			return err
		case "frame":
			ev.frame, err = f.index()
			return err
		case "at":
			ev.at, err = f.j.Number()
			return err
		}
		return f.j.Skip()
	})
	if err != nil {
		return err
	}
	if kind != 'O' && kind != 'C' {
		return f.j.Bad("an event that neither opens nor closes a frame")
	}
	ev.open = kind == 'O'
	p.events = append(p.events, ev)
	return f.hold(16)
}
