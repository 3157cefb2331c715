package format

import (
	"fmt"

	"tacho"
)

// Frames is the frame table of an input that has one: each frame is interned
// once a batch, however many stacks it is in.
type Frames struct {
	e    *Emitter
	list []tacho.Frame
	ids  []uint32 // in the batch of set's builder; of other ones it is made anew
	set  *set
	gen  int // of set
	work []uint32
}

// Frames takes over a table.
func (e *Emitter) Frames(list []tacho.Frame) *Frames {
	return &Frames{e: e, list: list, ids: make([]uint32, len(list))}
}

const noFrame = ^uint32(0)

// Add takes one sample whose stack is of the table, leaf first; see Emitter.Add.
func (f *Frames) Add(labels []tacho.Label, typ tacho.ValueType, st []uint32, th tacho.Thread, s tacho.Sample) error {
	e := f.e
	x, err := e.set(labels)
	if err != nil {
		return err
	}
	if len(st) == 0 {
		return fmt.Errorf("%s: a sample without a stack", e.name)
	}
	if len(st) > e.Limits.Depth {
		e.cut()
		st = st[:e.Limits.Depth]
	}
	if f.set != x || f.gen != x.gen {
		f.set, f.gen = x, x.gen
		for i := range f.ids {
			f.ids[i] = noFrame
		}
	}
	before := x.b.Bytes()
	f.work = f.work[:0]
	for _, i := range st {
		if f.ids[i] == noFrame {
			if err := e.checkFrame(&f.list[i]); err != nil {
				return err
			}
			f.ids[i] = x.b.Frame(f.list[i])
		}
		f.work = append(f.work, f.ids[i])
	}
	id, known := x.b.FindStack(f.work)
	if !known {
		id = x.b.StackOf(append([]uint32(nil), f.work...))
	}
	s.Stack = id
	return e.add(x, typ, th, s, before)
}
