package pyroscope

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"tacho"
	"tacho/format"
)

// samples collects stacks, each with its value.
type samples struct {
	e      *format.Emitter
	ctx    context.Context
	typ    tacho.ValueType
	factor int64
	stack  []string // frames from the root to the node
	out    tacho.Stack
	seen   int64
}

func newSamples(ctx context.Context, name string, o format.Options, emit func(*tacho.Batch) error) *samples {
	s := &samples{e: format.NewEmitter(ctx, name, o, emit), ctx: ctx}
	s.typ, s.factor = o.Values()
	return s
}

func (s *samples) finish(err error) (format.Report, error) {
	if err == nil {
		err = s.e.Declare(nil, s.typ)
	}
	return s.e.Finish(err)
}

// add makes a sample of the frames on the stack.
func (s *samples) add(value uint64, position string) error {
	if len(s.stack) == 0 {
		s.e.Warn.Add(position, "a value without a stack is left out")
		return nil
	}
	if value > uint64(math.MaxInt64/s.factor) {
		s.e.Warn.Add(position, "value %d is too large to be kept", value)
		return nil
	}
	s.out = s.out[:0]
	for i := len(s.stack) - 1; i >= 0 && len(s.out) <= s.e.Limits.Depth; i-- {
		s.out = append(s.out, tacho.Frame{Function: s.stack[i]})
	}
	if s.seen++; s.seen&1023 == 0 && s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	return s.e.Add(nil, s.typ, s.out, tacho.Thread{}, tacho.Sample{Value: int64(value) * s.factor})
}

// text makes a sample of a stack as text, root first.
func (s *samples) text(stack []byte, value uint64, position string) error {
	s.stack = s.stack[:0]
	for f := range bytes.SplitSeq(stack, []byte(";")) {
		if len(f) == 0 {
			continue
		}
		if len(f) > s.e.Limits.StringLen {
			return s.e.Limit(format.LimitStringLen, int64(s.e.Limits.StringLen), position)
		}
		s.stack = append(s.stack, string(f))
	}
	return s.add(value, position)
}

// treePath: every node but the root is a frame.
type treePath struct{}

func (treePath) enter(s *samples, name []byte, at int64) error {
	if len(s.stack) >= s.e.Limits.Depth+1 {
		// Deeper nodes each cost their whole way: refused rather than cut.
		return s.e.Limit(format.LimitDepth, int64(s.e.Limits.Depth), position(at))
	}
	s.stack = append(s.stack, string(name))
	return nil
}

func (treePath) leave(s *samples) { s.stack = s.stack[:len(s.stack)-1] }

func (treePath) sample(s *samples, value uint64, at int64) error {
	all := s.stack
	s.stack = all[1:] // without the root
	err := s.add(value, position(at))
	s.stack = all
	return err
}

// triePath: nodes are pieces of text.
type triePath struct {
	key  []byte
	cuts []int // length of key before each node
}

// maxKey bounds the text of one stack: its frames' names could be long, its
// frames many, and each node costs its whole way.
const maxKey = 1 << 20

func (p *triePath) enter(s *samples, name []byte, at int64) error {
	if len(p.key)+len(name) > maxKey {
		return s.e.Syntax(position(at), fmt.Sprintf("a stack of more than %d bytes", maxKey), nil)
	}
	p.cuts = append(p.cuts, len(p.key))
	p.key = append(p.key, name...)
	return nil
}

func (p *triePath) leave(*samples) {
	last := len(p.cuts) - 1
	p.key, p.cuts = p.key[:p.cuts[last]], p.cuts[:last]
}

func (p *triePath) sample(s *samples, value uint64, at int64) error {
	return s.text(p.key, value, position(at))
}
