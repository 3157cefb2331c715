// Package collapsed reads the collapsed (folded) stacks that flame graph tools
// pass around: stackcollapse-*.pl, async-profiler -o collapsed, inferno, py-spy.
//
// # The format
//
// A line is a stack, a space or tab, and how often it was seen:
//
//	root;caller;leaf 42
//
// There is no specification; the format is what flamegraph.pl accepts. Frames are
// separated by semicolons, root first, and may contain spaces. Lines end in \n or
// \r\n; empty ones are passed over. The count is a whole number: flamegraph.pl
// takes 0.5 too, which no sum of samples is, so it is refused, with its line.
//
// A frame may end in what async-profiler and stackcollapse-perf.pl annotate
// frames with, which becomes its kind and is not part of the name:
//
//	_[0] interpreted   _[j] JIT compiled   _[1] JIT compiled, by C1
//	_[i] inlined       _[k] kernel
//
// # The steps
//
//  1. lines are cut into frames; a frame seen before is one look-up by its bytes.
//  2. stacks gather in one slice, leaf first, until a batch is full.
package collapsed

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"

	"tacho"
	"tacho/format"
)

const name = "collapsed"

// Decoder reads collapsed stacks.
func Decoder() format.Decoder {
	return format.Decoder{Name: name, Title: "collapsed stacks", Sniff: Sniff, Decode: Decode}
}

// Sniff is true when all lines that fit end in a count and are text, and there
// is a semicolon, or else no line has a space but that before its count.
func Sniff(head []byte) bool {
	whole := len(head) < format.SniffLen
	lines, stacks, words := 0, false, true
	for len(head) > 0 {
		line, rest, ended := bytes.Cut(head, []byte("\n"))
		if head = rest; !ended && !whole {
			// A single long line: as far as it goes.
			return text(line) && (stacks || words && lines > 0 || lines == 0 && bytes.IndexByte(line, ';') > 0)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		stack, count, ok := split(line)
		if !ok || !text(stack) {
			return false
		}
		if _, ok := number(count); !ok {
			return false
		}
		lines++
		stacks = stacks || bytes.IndexByte(stack, ';') >= 0
		words = words && !bytes.ContainsAny(stack, " \t")
	}
	return lines > 0 && (stacks || words)
}

func text(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// split parts a line from its count.
func split(line []byte) (stack, count []byte, ok bool) {
	end := len(line)
	for end > 0 && blank(line[end-1]) {
		end--
	}
	at := end
	for at > 0 && !blank(line[at-1]) {
		at--
	}
	stack = line[:at]
	for len(stack) > 0 && blank(stack[len(stack)-1]) {
		stack = stack[:len(stack)-1]
	}
	return stack, line[at:end], len(stack) > 0 && at < end
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	return int64(v), v <= math.MaxInt64
}

// Decode reads lines to the end, or to the first that is none.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	e := format.NewEmitter(ctx, name, o, emit)
	d := &decoder{e: e, lines: format.NewLines(ctx, name, r, e.Limits)}
	d.typ, d.factor = o.Values()
	d.reset()
	err := d.read()
	if flush := d.flush(); err == nil {
		err = flush
	}
	return e.Finish(err)
}

type decoder struct {
	e      *format.Emitter
	lines  *format.Lines
	typ    tacho.ValueType
	factor int64

	strings []string
	ids     map[string]uint32 // of functions without their kind
	frames  []tacho.FrameRef
	known   map[string]uint32 // frame by its bytes in the input
	bytes   int               // of names
	arena   []uint32          // frames of all stacks
	ends    []uint32          // by stack: where it ends in arena
	samples []tacho.Sample
}

func (d *decoder) reset() {
	d.strings, d.ids = []string{""}, map[string]uint32{"": 0}
	d.frames, d.known, d.bytes = nil, map[string]uint32{}, 0
	d.arena, d.ends, d.samples = d.arena[:0], d.ends[:0], nil
}

// Stacks are handed over when they have so many frames, or names so many bytes,
// whatever Limits.Samples says.
const (
	maxArena = 4 << 20
	maxBytes = 64 << 20
)

func (d *decoder) read() error {
	for {
		line, ok := d.lines.Next()
		if !ok {
			return d.lines.Err()
		}
		stack, count, ok := split(line)
		if !ok {
			if len(count) == 0 && len(stack) == 0 {
				continue // an empty line
			}
			return d.e.Syntax(d.lines.Position(), "not a stack and a count", nil)
		}
		v, ok := number(count)
		if !ok || v > math.MaxInt64/d.factor {
			return d.e.Syntax(d.lines.Position(), "count "+quote(count)+" is not a whole number", nil)
		}
		if v == 0 {
			continue
		}
		if err := d.stack(stack); err != nil {
			return err
		}
		d.samples = append(d.samples, tacho.Sample{Value: v * d.factor, Stack: uint32(len(d.ends) - 1)})
		if err := d.e.Count(1); err != nil {
			d.samples = d.samples[:len(d.samples)-1]
			return err
		}
		if len(d.samples) >= d.e.Limits.Samples || len(d.arena) >= maxArena || d.bytes >= maxBytes || len(d.frames) >= d.e.Limits.Strings {
			if err := d.flush(); err != nil {
				return err
			}
		}
	}
}

func quote(b []byte) string { return `"` + string(b[:min(len(b), 40)]) + `"` }

// stack appends the frames of a stack, turned round.
func (d *decoder) stack(line []byte) error {
	at := len(d.arena)
	for {
		end := bytes.IndexByte(line, ';')
		word := line
		if end >= 0 {
			word = line[:end]
		}
		f, ok := d.known[string(word)]
		if !ok {
			if len(word) > d.e.Limits.StringLen {
				d.arena = d.arena[:at]
				return d.e.Limit(format.LimitStringLen, int64(d.e.Limits.StringLen), d.lines.Position())
			}
			f = d.frame(word)
		}
		d.arena = append(d.arena, f)
		if end < 0 {
			break
		}
		line = line[end+1:]
	}
	st := d.arena[at:]
	slices.Reverse(st)
	if len(st) > d.e.Limits.Depth {
		d.arena = d.arena[:at+d.e.Limits.Depth]
		d.e.Warn.Once(d.lines.Position(), "stacks deeper than the limit are kept without their root end")
	}
	d.ends = append(d.ends, uint32(len(d.arena)))
	return nil
}

// frame interns a new frame.
func (d *decoder) frame(word []byte) uint32 {
	key := string(word)
	function, kind := key, tacho.KindUnknown
	if n := len(key); n > 4 && key[n-4] == '_' && key[n-3] == '[' && key[n-1] == ']' {
		switch key[n-2] {
		case '0':
			kind = tacho.KindInterpreted
		case 'j', '1':
			kind = tacho.KindJIT
		case 'i':
			kind = tacho.KindInlined
		case 'k':
			kind = tacho.KindKernel
		}
		if kind != tacho.KindUnknown {
			function = key[:n-4]
		}
	}
	id, ok := d.ids[function]
	if !ok {
		id = uint32(len(d.strings))
		d.strings = append(d.strings, function)
		d.ids[function] = id
	}
	f := uint32(len(d.frames))
	d.frames = append(d.frames, tacho.FrameRef{Function: id, Kind: kind})
	d.known[key] = f
	d.bytes += len(key) + 64
	return f
}

// flush hands over what is held.
func (d *decoder) flush() error {
	if len(d.samples) == 0 {
		d.reset()
		return nil
	}
	arena := slices.Clone(d.arena)
	stacks := make([][]uint32, len(d.ends))
	at := uint32(0)
	for i, end := range d.ends {
		stacks[i] = arena[at:end:end]
		at = end
	}
	b := &tacho.Batch{
		Strings: d.strings, Frames: d.frames, Stacks: stacks, Threads: []tacho.Thread{{}},
		Profiles: []tacho.Profile{{Type: d.typ, Samples: d.samples}},
	}
	d.reset()
	return d.e.Send(b)
}
