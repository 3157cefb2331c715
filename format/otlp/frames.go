package otlp

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pprofile"

	"tacho"
)

// dict resolves indexes into the dictionary. Entry 0 of every table is the empty
// one and means "none"; an index outside is a warning and means none as well.
type dict struct {
	d       pprofile.ProfilesDictionary
	warn    func(string)
	stacks  map[int32]tacho.Stack
	held    int // frames in stacks
	modules map[int32]module
}

// A few bytes can name a location of any number of lines, and a stack any number
// of times: what they stand for is bounded, and what is remembered of it.
const (
	maxInlined    = 256     // lines of a location
	maxHeldFrames = 1 << 20 // of resolved stacks
)

// module is a mapping as frames need it.
type module struct {
	path, buildID       string
	start, limit, delta uint64
}

func (x *dict) str(i int32) string {
	if t := x.d.StringTable(); i > 0 && int(i) < t.Len() {
		return t.At(int(i))
	}
	if i != 0 {
		x.warn("an index lies outside the string table")
	}
	return ""
}

// stack resolves a stack, leaf first, nil for none. depth is how many frames of
// the leaf end are wanted.
func (x *dict) stack(i int32, depth int) tacho.Stack {
	if s, ok := x.stacks[i]; ok {
		return s
	}
	var out tacho.Stack
	if t := x.d.StackTable(); i > 0 && int(i) < t.Len() {
		locs := t.At(int(i)).LocationIndices()
		for k := 0; k < locs.Len() && len(out) <= depth; k++ {
			out = x.location(out, locs.At(k))
		}
	} else if i != 0 {
		x.warn("an index lies outside the stack table")
	}
	if x.held += len(out); x.held > maxHeldFrames {
		clear(x.stacks)
		x.held = len(out)
	}
	x.stacks[i] = out
	return out
}

// location appends the frames of one location: several where calls were inlined,
// the innermost first.
func (x *dict) location(out tacho.Stack, i int32) tacho.Stack {
	t := x.d.LocationTable()
	if i <= 0 || int(i) >= t.Len() {
		if i != 0 {
			x.warn("an index lies outside the location table")
		}
		return out
	}
	loc := t.At(int(i))
	kind := x.kind(loc)
	m := x.module(loc.MappingIndex())
	lines := loc.Lines()
	if lines.Len() == 0 {
		if loc.Address() == 0 && m.path == "" {
			return append(out, tacho.Frame{Function: "[unknown]", Kind: kind})
		}
		a := loc.Address()
		if a >= m.start && a < m.limit {
			a += m.delta
		}
		return append(out, tacho.AddressFrame(m.path, m.buildID, a, kind))
	}
	n := lines.Len()
	if n > maxInlined {
		x.warn("a location has more inlined calls than are kept")
		n = maxInlined
	}
	for k := range n {
		line := lines.At(k)
		f := tacho.Frame{Module: m.path, Kind: kind, Line: int32(min(max(line.Line(), 0), math.MaxInt32))}
		if k < n-1 {
			f.Kind = tacho.KindInlined
		}
		ft := x.d.FunctionTable()
		if fi := line.FunctionIndex(); fi > 0 && int(fi) < ft.Len() {
			fn := ft.At(int(fi))
			f.File = x.str(fn.FilenameStrindex())
			if f.Function = x.str(fn.NameStrindex()); f.Function == "" {
				f.Function = x.str(fn.SystemNameStrindex())
			}
		} else if fi != 0 {
			x.warn("an index lies outside the function table")
		}
		if f.Function == "" {
			f.Function = "[unknown]"
		}
		out = append(out, f)
	}
	return out
}

func (x *dict) module(i int32) module {
	if m, ok := x.modules[i]; ok {
		return m
	}
	var m module
	if t := x.d.MappingTable(); i > 0 && int(i) < t.Len() {
		mm := t.At(int(i))
		m = module{path: x.str(mm.FilenameStrindex()), start: mm.MemoryStart(), limit: mm.MemoryLimit(), delta: mm.FileOffset() - mm.MemoryStart()}
		best := len(buildIDs)
		x.attributes(mm.AttributeIndices(), func(key, value string) {
			for rank, name := range buildIDs[:best] {
				if key == name {
					best, m.buildID = rank, value
				}
			}
		})
	} else if i != 0 {
		x.warn("an index lies outside the mapping table")
	}
	x.modules[i] = m
	return m
}

// buildIDs are the attributes that name a build, the one debug files are looked
// for by first.
var buildIDs = []string{"process.executable.build_id.gnu", "process.executable.build_id.go", "process.executable.build_id.htlhash"}

// kind is profile.frame.type, a location's attribute.
func (x *dict) kind(loc pprofile.Location) (k tacho.FrameKind) {
	x.attributes(loc.AttributeIndices(), func(key, value string) {
		if key != "profile.frame.type" {
			return
		}
		switch value {
		case "native", "go", "rust":
			k = tacho.KindNative
		case "kernel":
			k = tacho.KindKernel
		case "jvm", "v8js", "dotnet":
			k = tacho.KindJIT
		case "cpython", "php", "phpjit", "perl", "ruby", "beam":
			k = tacho.KindInterpreted
		}
	})
	return k
}
