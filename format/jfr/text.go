package jfr

import "strconv"

// fieldText reads a field as text and moves over it. ok is false for fields
// without one: arrays, stacks, structures without a name.
func (c *chunk) fieldText(k *cursor, f *field, depth int) (string, bool) {
	switch {
	case f.array:
		k.run(f.skip)
		return "", false
	case f.constant:
		return c.constantText(f.typ, k.long(), depth)
	}
	return c.valueText(k, f, depth)
}

// valueText reads a value that is not a constant.
func (c *chunk) valueText(k *cursor, f *field, depth int) (string, bool) {
	switch f.typ.kind {
	case kindString:
		return c.stringText(k, depth)
	case kindStruct:
		if depth > maxDepth {
			k.run(f.skip)
			return "", false
		}
		return c.structText(k, f.typ, depth+1)
	case kindBool:
		return strconv.FormatBool(k.u8() != 0), true
	case kindFloat:
		return strconv.FormatFloat(f.readFloat(k), 'g', -1, 32), true
	case kindDouble:
		return strconv.FormatFloat(f.readFloat(k), 'g', -1, 64), true
	}
	return strconv.FormatInt(f.readInt(k), 10), true
}

// stringText reads a string, which may itself refer to a constant.
func (c *chunk) stringText(k *cursor, depth int) (string, bool) {
	b, id, isRef := k.appendString(c.path[:0], c.opt.Limits.MaxString)
	c.path = b
	if isRef {
		return c.constantText(c.meta.str, id, depth)
	}
	return c.names.get(b), true
}

// structText is the text of a structure: of its only field, or of the one
// called name. It reads the whole structure.
func (c *chunk) structText(k *cursor, t *Type, depth int) (s string, ok bool) {
	for i := range t.fields {
		f := &t.fields[i]
		if len(t.fields) == 1 || f.name == "name" {
			s, ok = c.fieldText(k, f, depth)
		} else {
			k.run(f.skip)
		}
	}
	return s, ok
}

// constantText resolves a constant to text: a class to its dotted name, a
// thread to its name, a method to class.method, anything else by structText.
func (c *chunk) constantText(t *Type, id uint64, depth int) (string, bool) {
	switch t.roleOrNone() {
	case roleClass:
		if x := c.class(t, id, depth+1); x != nil {
			return x.name, true
		}
		return "", false
	case roleThread:
		if x := c.threadOf(t, id, depth+1); x != nil {
			return x.Name(), true
		}
		return "", false
	case roleMethod:
		if x := c.method(t, id, depth+1); x != nil {
			return x.function, true
		}
		return "", false
	case roleStack, roleFrame:
		return "", false
	}
	if depth > maxDepth {
		return "", false
	}
	p, e, found := c.find(t, id)
	if !found {
		return "", false
	}
	p.texts = grown(p.texts, len(p.at))
	if x := &p.texts[e]; x.done {
		return x.s, true
	}
	k := c.value(p, e)
	var s string
	var ok bool
	if t.kind == kindString {
		s, ok = c.stringText(&k, depth+1)
	} else {
		s, ok = c.structText(&k, t, depth+1)
	}
	if ok && !k.bad {
		p.texts[e] = text{s, true}
	}
	return s, ok && !k.bad
}

func (t *Type) roleOrNone() role {
	if t == nil {
		return roleNone
	}
	return t.role
}

// integer reports whether the field is read by readInt.
func (f *field) integer() bool {
	return !f.array && !f.constant && f.typ.kind >= kindBool && f.typ.kind <= kindLong
}

// readInt reads an integer field, extending its sign unless it is unsigned.
func (f *field) readInt(k *cursor) int64 {
	switch f.typ.kind {
	case kindBool:
		if k.u8() != 0 {
			return 1
		}
		return 0
	case kindByte:
		if f.unsigned {
			return int64(k.u8())
		}
		return int64(int8(k.u8()))
	case kindChar:
		return int64(uint16(k.uint(2)))
	case kindShort:
		if f.unsigned {
			return int64(uint16(k.uint(2)))
		}
		return int64(int16(k.uint(2)))
	case kindInt:
		if f.unsigned {
			return int64(uint32(k.uint(4)))
		}
		return int64(int32(k.uint(4)))
	}
	return int64(k.uint(8))
}
