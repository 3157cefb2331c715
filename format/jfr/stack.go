package jfr

// frameStep is what one field of a stack frame is to us.
type frameStep struct {
	what frameField
	f    *field
}

type frameField uint8

const (
	frameOther frameField = iota
	frameMethod
	frameLine
	frameBCI
	frameType
)

// frameLayout is how the chunk's stacks are laid out.
type frameLayout struct {
	steps    []frameStep
	method   *Type
	typ      *Type // of the frame type constants
	standard bool  // every frame is four compressed integers: method, line, bci, type
}

func (m *metadata) layoutFrames() frameLayout {
	var l frameLayout
	if m.stack == nil {
		return l
	}
	for i := range m.stack.fields {
		f := &m.stack.fields[i]
		if f.name != "frames" || !f.array || f.constant {
			continue
		}
		for j := range f.typ.fields {
			g := &f.typ.fields[j]
			s := frameStep{f: g}
			switch {
			case g.name == "method" && g.constant && !g.array:
				s.what, l.method = frameMethod, g.typ
			case g.name == "lineNumber" && g.integer():
				s.what = frameLine
			case g.name == "bytecodeIndex" && g.integer():
				s.what = frameBCI
			case g.name == "type" && g.constant && !g.array:
				s.what, l.typ = frameType, g.typ
			}
			l.steps = append(l.steps, s)
		}
	}
	s := l.steps
	l.standard = !m.fixed && len(s) == 4 && s[0].what == frameMethod && s[1].what == frameLine && s[1].f.typ.kind == kindInt &&
		s[2].what == frameBCI && s[2].f.typ.kind == kindInt && s[3].what == frameType
	return l
}

const (
	// maxFrames cuts a stack no JVM records (its limit is 2048).
	maxFrames = 1 << 16
	// maxResolvedFrames bounds the frames a chunk's resolved stacks have; beyond
	// it they are forgotten and resolved again when needed, with new pointers.
	maxResolvedFrames = 1 << 20
)

// frameCache holds what resolving frames looks up again and again.
type frameCache struct {
	types    [16]string // frame type constants by id
	methods  [methodCache]cachedMethod
	resolved int // frames of resolved stacks
}

// methodCache is how many methods are found without a search: by the low bits
// of a mix of their ids. Ids are a class's number above 16 bits of a method's.
const methodCache = 1 << 11

type cachedMethod struct {
	id uint64
	m  *method
}

func (c *frameCache) slot(id uint64) *cachedMethod {
	return &c.methods[(id^id>>13)%methodCache]
}

// stack resolves a stack constant, nil if the chunk does not have it.
func (c *chunk) stack(id uint64) *Stack {
	t := c.meta.stack
	p, e, ok := c.find(t, id)
	if !ok {
		return nil
	}
	if int(e) < len(p.stacks) {
		if s := p.stacks[e]; s != nil {
			return s
		}
	} else {
		p.stacks = grown(p.stacks, len(p.at))
	}
	s := &Stack{}
	k := c.value(p, e)
	for i := range t.fields {
		f := &t.fields[i]
		switch {
		case f.name == "truncated" && f.integer():
			s.Truncated = s.Truncated || f.readInt(&k) != 0
		case f.name == "frames" && f.array && !f.constant:
			c.readFrames(&k, s)
		default:
			k.run(f.skip)
		}
	}
	if c.frames.resolved += len(s.Frames); c.frames.resolved > maxResolvedFrames {
		clear(p.stacks)
		c.frames.resolved = len(s.Frames)
	}
	p.stacks[e] = s
	return s
}

func (c *chunk) readFrames(k *cursor, s *Stack) {
	n := k.count()
	if n > len(k.b)-k.p { // a frame has at least a byte
		k.fail()
		return
	}
	l := &c.meta.frames
	if len(l.steps) == 0 {
		return
	}
	keep := min(n, maxFrames)
	s.Truncated = s.Truncated || keep < n
	s.Frames = make([]Frame, keep)
	if l.standard {
		c.readStandard(k, s.Frames)
	} else {
		c.readOther(k, s.Frames)
	}
	if keep < n {
		k.fail() // nothing after a cut stack is read
	}
}

// readStandard reads frames as every JVM writes them. It is where decoding
// samples spends its time.
func (c *chunk) readStandard(k *cursor, frames []Frame) {
	b, p := k.b, k.p
	for i := range frames {
		var id, line, bci, kind uint64
		if id, p = varintAt(b, p); p < 0 {
			break
		}
		if line, p = varintAt(b, p); p < 0 {
			break
		}
		if p < len(b) && b[p] < 0x80 { // most are short
			bci = uint64(b[p])
			p++
		} else if bci, p = varintAt(b, p); p < 0 {
			break
		}
		if p < len(b) && b[p] < 0x80 {
			kind = uint64(b[p])
			p++
		} else if kind, p = varintAt(b, p); p < 0 {
			break
		}
		f := &frames[i]
		s := c.frames.slot(id)
		if s.id != id || s.m == nil {
			m := c.method(c.meta.frames.method, id, 0)
			*s = cachedMethod{id, m}
		}
		if s.m != nil {
			*f = s.m.frame
		}
		f.Line, f.BCI = int32(line), int32(bci)
		if kind < uint64(len(c.frames.types)) && c.frames.types[kind] != "" {
			f.Type = c.frames.types[kind]
		} else {
			f.Type = c.frameType(kind)
		}
	}
	if k.p = p; p < 0 {
		k.fail()
	}
}

// readOther reads frames whatever their fields are.
func (c *chunk) readOther(k *cursor, frames []Frame) {
	l := &c.meta.frames
	for i := range frames {
		f := &frames[i]
		for j := range l.steps {
			s := &l.steps[j]
			switch s.what {
			case frameMethod:
				if m := c.method(l.method, k.long(), 0); m != nil {
					line, bci, typ := f.Line, f.BCI, f.Type
					*f = m.frame
					f.Line, f.BCI, f.Type = line, bci, typ
				}
			case frameLine:
				f.Line = int32(s.f.readInt(k))
			case frameBCI:
				f.BCI = int32(s.f.readInt(k))
			case frameType:
				f.Type = c.frameType(k.long())
			default:
				k.run(s.f.skip)
			}
		}
		if k.bad {
			return
		}
	}
}

func (c *chunk) frameType(id uint64) string {
	if id < uint64(len(c.frames.types)) {
		if s := c.frames.types[id]; s != "" {
			return s
		}
	}
	s, _ := c.constantText(c.meta.frames.typ, id, 0)
	if id < uint64(len(c.frames.types)) {
		c.frames.types[id] = s
	}
	return s
}
