package jfr

import "fmt"

// A plan is a short program over the bytes of a value: what lies next to each
// other and has the same encoding is one step.
type op struct {
	code opcode
	n    int  // how many; for opArray of equal elements, how many per element
	sub  []op // opArray: one element
}

type opcode uint8

const (
	opBytes    opcode = iota // n bytes
	opVarints                // n compressed integers
	opString                 // a string
	opArray                  // a count and that many elements by sub
	opTime                   // the event's start, ticks
	opDuration               // its duration, ticks
	opThread                 // the id of its thread
	opStack                  // the id of its stack
)

// run moves the cursor over a value.
func (c *cursor) run(ops []op) {
	for i := range ops {
		o := &ops[i]
		switch o.code {
		case opBytes:
			c.skip(o.n)
		case opVarints:
			c.skipVarints(o.n)
		case opString:
			c.skipString()
		case opArray:
			c.runArray(o.sub)
		}
		if c.bad {
			return
		}
	}
}

func (c *cursor) runArray(sub []op) {
	n := c.count()
	switch {
	case len(sub) == 0: // elements without a byte: nothing to move over
	case len(sub) == 1 && sub[0].code == opVarints:
		if n > len(c.b)-c.p { // more elements than bytes; also keeps the product small
			c.fail()
			return
		}
		c.skipVarints(n * sub[0].n)
	case len(sub) == 1 && sub[0].code == opBytes:
		if n > (len(c.b)-c.p)/sub[0].n {
			c.fail()
			return
		}
		c.skip(n * sub[0].n)
	default:
		for ; n > 0 && !c.bad; n-- {
			c.run(sub)
		}
	}
}

// Limits of a compiled plan: types of real recordings nest four deep and have
// some tens of fields.
const (
	maxNesting  = 12
	maxPlanWork = 1 << 20 // fields visited while compiling all types of a chunk
)

type compiler struct {
	fixed bool
	work  int
}

// compile makes the plans of all types.
func (m *metadata) compile() error {
	c := &compiler{fixed: m.fixed}
	for _, t := range m.all {
		var err error
		if t.skip, err = c.value(nil, t, 0); err != nil {
			return err
		}
		for i := range t.fields {
			f := &t.fields[i]
			if f.skip, err = c.field(nil, f, 1); err != nil {
				return err
			}
		}
		if t.wanted {
			t.eager = c.event(t)
		}
	}
	return nil
}

// add appends a step, widening the last one when it is of the same kind.
func add(ops []op, code opcode, n int) []op {
	if last := len(ops) - 1; last >= 0 && ops[last].code == code && (code == opBytes || code == opVarints) {
		ops[last].n += n
		return ops
	}
	return append(ops, op{code: code, n: n})
}

// integer appends the step over an integer of the given width.
func (c *compiler) integer(ops []op, width int) []op {
	if c.fixed {
		return add(ops, opBytes, width)
	}
	return add(ops, opVarints, 1)
}

// value appends the steps over a value of type t.
func (c *compiler) value(ops []op, t *Type, depth int) ([]op, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("metadata: type %s is nested deeper than %d, or in itself", t.Name, maxNesting)
	}
	switch t.kind {
	case kindBool, kindByte:
		return add(ops, opBytes, 1), nil
	case kindShort, kindChar:
		return c.integer(ops, 2), nil
	case kindInt:
		return c.integer(ops, 4), nil
	case kindLong:
		return c.integer(ops, 8), nil
	case kindFloat:
		return add(ops, opBytes, 4), nil
	case kindDouble:
		return add(ops, opBytes, 8), nil
	case kindString:
		return add(ops, opString, 1), nil
	}
	var err error
	for i := range t.fields {
		if ops, err = c.field(ops, &t.fields[i], depth+1); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// field appends the steps over a field: a value, a constant's id, or an array
// of either.
func (c *compiler) field(ops []op, f *field, depth int) ([]op, error) {
	if c.work++; c.work > maxPlanWork {
		return nil, fmt.Errorf("metadata: types expand to more than %d fields", maxPlanWork)
	}
	if f.array {
		sub, err := c.element(nil, f, depth)
		if err != nil {
			return nil, err
		}
		return append(ops, op{code: opArray, sub: sub}), nil
	}
	return c.element(ops, f, depth)
}

func (c *compiler) element(ops []op, f *field, depth int) ([]op, error) {
	if f.constant {
		return c.integer(ops, 8), nil
	}
	return c.value(ops, f.typ, depth)
}

// event makes the plan that reads what every Event carries. It ends at the last
// such field, for most types near the start.
func (c *compiler) event(t *Type) []op {
	var ops []op
	end := 0
	thread := false
	for i := range t.fields {
		f := &t.fields[i]
		code := opBytes
		switch {
		case f.array:
		case f.name == "startTime" && f.typ.kind == kindLong:
			code = opTime
		case f.name == "duration" && f.typ.kind == kindLong:
			code = opDuration
		case f.constant && f.typ.role == roleThread && !thread && (f.name == "eventThread" || f.name == "sampledThread"):
			code, thread = opThread, true
		case f.constant && f.typ.role == roleStack && f.name == "stackTrace":
			code = opStack
		}
		if code == opBytes {
			for _, o := range f.skip {
				if o.code == opBytes || o.code == opVarints {
					ops = add(ops, o.code, o.n)
				} else {
					ops = append(ops, o)
				}
			}
			continue
		}
		ops = append(ops, op{code: code})
		end = len(ops)
	}
	return ops[:end:end]
}
