package symbol

import (
	"os"
	"path/filepath"
	"slices"

	"tacho"
)

// place is an address frame's build (or module, where the build is not known) and
// offset.
type place struct {
	id     string
	offset uint64
	module string
}

// maxCached is how many addresses are remembered; then it starts over.
const maxCached = 1 << 16

// forget drops what was looked up: the files have changed. s.mu is held.
func (s *Store) forget() {
	s.cache = map[place]tacho.Stack{}
	s.gen++
}

// find is the file for a frame's build id, or without one the only file of that
// name. s.mu is held.
func (s *Store) find(id, module string) (path string) {
	var want *File
	if id != "" {
		want = s.byID[id]
	} else if base := filepath.Base(module); module != "" {
		for _, f := range s.files {
			if f.Name == base {
				if want != nil {
					return "" // which one cannot be known
				}
				want = f
			}
		}
	}
	if want == nil {
		return ""
	}
	return want.path
}

// Generation changes whenever an answer may differ from the one given before:
// files came or went.
func (s *Store) Generation() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gen
}

// Names is Frames for many, which opens each file once. nil stands for a frame
// that stays what it is.
func (s *Store) Names(frames []tacho.Frame) []tacho.Stack {
	out := make([]tacho.Stack, len(frames))
	at := make(map[int]place, len(frames))
	places := make([]place, 0, len(frames))
	for i, f := range frames {
		if id, offset, ok := f.Address(); ok {
			at[i] = place{id, offset, f.Module}
			places = append(places, at[i])
		}
	}
	found := s.lookup(places)
	for i, p := range at {
		if st := kinds(found[p], frames[i].Kind); len(st) > 0 {
			out[i] = st
		}
	}
	return out
}

// Frames is the calls at an address frame, leaf first: the function it is in and
// those inlined there. ok is false, and the frame stays what it is, where it is
// none, its build was not uploaded, or nothing is known of the address.
func (s *Store) Frames(f tacho.Frame) (st tacho.Stack, ok bool) {
	id, offset, isAddress := f.Address()
	if !isAddress {
		return nil, false
	}
	found := s.lookup([]place{{id, offset, f.Module}})
	st = kinds(found[place{id, offset, f.Module}], f.Kind)
	return st, len(st) > 0
}

// kinds gives the outermost call the kind the address had, where it had one.
func kinds(st tacho.Stack, k tacho.FrameKind) tacho.Stack {
	if len(st) == 0 || k == tacho.KindUnknown {
		return st
	}
	st = slices.Clone(st)
	st[len(st)-1].Kind = k
	return st
}

// lookup finds many places at once, opening each file once. Errors of a file are
// logged and leave its addresses unknown.
func (s *Store) lookup(places []place) map[place]tacho.Stack {
	out := make(map[place]tacho.Stack, len(places))
	missing := map[string][]place{}
	s.mu.Lock()
	gen := s.gen
	for _, p := range places {
		if st, ok := s.cache[p]; ok {
			out[p] = st
			continue
		}
		if path := s.find(p.id, p.module); path != "" {
			missing[path] = append(missing[path], p)
			s.files[path].LastUsed = s.o.Now()
		}
	}
	s.mu.Unlock()
	for path, ps := range missing {
		if err := s.lookupIn(path, ps, out); err != nil {
			s.o.Log.Warn("looking up symbols", "path", path, "error", err)
			continue
		}
		s.mu.Lock()
		if s.gen == gen {
			for _, p := range ps {
				if len(s.cache) >= maxCached {
					s.cache = map[place]tacho.Stack{}
				}
				s.cache[p] = out[p]
			}
		}
		s.mu.Unlock()
	}
	return out
}

func (s *Store) lookupIn(path string, ps []place, out map[place]tacho.Stack) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	x, err := openIndex(f, st.Size())
	if err != nil {
		return err
	}
	for _, p := range ps {
		if out[p], err = x.lookup(p.offset, p.module); err != nil {
			return err
		}
	}
	return nil
}

// Resolve replaces the address frames of a batch whose builds are known, and
// says how many different ones were and were not. It reads local files: a few
// short reads for each address not asked for before. Tables that change are
// copied first: batches of one input may share them.
func (s *Store) Resolve(b *tacho.Batch) (resolved, unknown int) {
	at, places := addresses(b)
	return rename(b, at, s.lookup(places))
}

// ResolveLoaded is Resolve with what is in memory only, for those who must not
// wait for a disk, as ingest. What it did not find there is read in the
// background, so that later batches have it; this batch's is named when it is
// shown (Names).
func (s *Store) ResolveLoaded(b *tacho.Batch) (resolved, unknown int) {
	s.mu.Lock()
	none := len(s.files) == 0 || s.closed
	s.mu.Unlock()
	if none {
		return 0, 0
	}
	at, places := addresses(b)
	if len(places) == 0 {
		return 0, 0
	}
	found, missing := s.loaded(places)
	if len(missing) > 0 {
		select {
		case s.wanted <- missing:
		default: // as many wait already; the next batch asks again
		}
	}
	return rename(b, at, found)
}

// addresses are the address frames of a batch, by their place in its table.
func addresses(b *tacho.Batch) (at map[uint32]place, places []place) {
	at = map[uint32]place{}
	for i := range b.Frames {
		f := b.Frame(uint32(i))
		if id, offset, ok := f.Address(); ok {
			p := place{id, offset, f.Module}
			at[uint32(i)] = p
			places = append(places, p)
		}
	}
	return at, places
}

// rename puts what was found in the place of a batch's addresses.
func rename(b *tacho.Batch, at map[uint32]place, found map[place]tacho.Stack) (resolved, unknown int) {
	x := extender{b: b, strings: map[string]uint32{}, frames: map[tacho.FrameRef]uint32{}}
	become := map[uint32][]uint32{}
	for i, p := range at {
		st := kinds(found[p], b.Frames[i].Kind)
		if len(st) == 0 {
			unknown++
			continue
		}
		if resolved == 0 {
			b.Frames, b.Strings = slices.Clone(b.Frames), slices.Clip(b.Strings)
		}
		resolved++
		last := len(st) - 1
		b.Frames[i] = x.ref(st[last]) // the function itself takes the address's place in the table
		if last == 0 {
			continue
		}
		for _, f := range st[:last] {
			become[i] = append(become[i], x.frame(f))
		}
		become[i] = append(become[i], i)
	}
	if len(become) > 0 {
		b.Stacks = slices.Clone(b.Stacks)
		replace(b.Stacks, become)
	}
	return resolved, unknown
}

// replace puts inlined calls in front of the frames they are in.
func replace(stacks [][]uint32, become map[uint32][]uint32) {
	for i, st := range stacks {
		if !slices.ContainsFunc(st, func(f uint32) bool { _, ok := become[f]; return ok }) {
			continue
		}
		out := make([]uint32, 0, len(st)+4)
		for _, f := range st {
			if now, ok := become[f]; ok {
				out = append(out, now...)
			} else {
				out = append(out, f)
			}
		}
		stacks[i] = out
	}
}

// extender adds frames to a batch's tables.
type extender struct {
	b       *tacho.Batch
	strings map[string]uint32
	frames  map[tacho.FrameRef]uint32
}

func (x *extender) str(s string) uint32 {
	if s == "" {
		return 0
	}
	id, ok := x.strings[s]
	if !ok {
		id = uint32(len(x.b.Strings))
		x.b.Strings = append(x.b.Strings, s)
		x.strings[s] = id
	}
	return id
}

func (x *extender) ref(f tacho.Frame) tacho.FrameRef {
	return tacho.FrameRef{Function: x.str(f.Function), File: x.str(f.File), Module: x.str(f.Module), Line: f.Line, Kind: f.Kind}
}

func (x *extender) frame(f tacho.Frame) uint32 {
	r := x.ref(f)
	id, ok := x.frames[r]
	if !ok {
		id = uint32(len(x.b.Frames))
		x.b.Frames = append(x.b.Frames, r)
		x.frames[r] = id
	}
	return id
}
