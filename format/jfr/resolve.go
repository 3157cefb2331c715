package jfr

import "strings"

// method is a resolved method constant.
type method struct {
	frame          Frame  // what every frame of it has
	function, file string // as a tacho.Frame has them
}

// class is a resolved class constant.
type class struct{ name, module string }

// maxDepth bounds how far a constant made of constants is followed. A method's
// module is five away.
const maxDepth = 8

// thread resolves a thread constant, nil if the chunk does not have it.
func (c *chunk) thread(id uint64) *Thread {
	return c.threadOf(c.meta.thread, id, 0)
}

func (c *chunk) threadOf(t *Type, id uint64, depth int) *Thread {
	p, e, ok := c.find(t, id)
	if !ok || depth > maxDepth {
		return nil
	}
	p.threads = grown(p.threads, len(p.at))
	if x := p.threads[e]; x != nil {
		return x
	}
	x := &Thread{}
	k := c.value(p, e)
	for i := range t.fields {
		f := &t.fields[i]
		switch {
		case f.name == "osName":
			x.OSName, _ = c.fieldText(&k, f, depth+1)
		case f.name == "javaName":
			x.JavaName, _ = c.fieldText(&k, f, depth+1)
		case f.name == "group":
			x.Group, _ = c.fieldText(&k, f, depth+1)
		case f.name == "osThreadId" && f.integer():
			x.OSID = f.readInt(&k)
		case f.name == "javaThreadId" && f.integer():
			x.JavaID = f.readInt(&k)
		case f.name == "virtual" && f.integer():
			x.Virtual = f.readInt(&k) != 0
		default:
			k.run(f.skip)
		}
	}
	p.threads[e] = x
	return x
}

// class resolves a class constant, nil if the chunk does not have it.
func (c *chunk) class(t *Type, id uint64, depth int) *class {
	p, e, ok := c.find(t, id)
	if !ok || depth > maxDepth {
		return nil
	}
	p.classes = grown(p.classes, len(p.at))
	if x := p.classes[e]; x != nil {
		return x
	}
	x := &class{}
	k := c.value(p, e)
	for i := range t.fields {
		f := &t.fields[i]
		switch f.name {
		case "name":
			s, _ := c.fieldText(&k, f, depth+1)
			x.name = c.className(s)
		case "package":
			x.module = c.packageModule(&k, f, depth+1)
		default:
			k.run(f.skip)
		}
	}
	p.classes[e] = x
	return x
}

// packageModule reads a class's package and returns the name of its module.
func (c *chunk) packageModule(k *cursor, f *field, depth int) string {
	if !f.constant || f.array {
		k.run(f.skip)
		return ""
	}
	p, e, ok := c.find(f.typ, k.long())
	if !ok {
		return ""
	}
	v := c.value(p, e)
	for i := range f.typ.fields {
		g := &f.typ.fields[i]
		if g.name == "module" {
			s, _ := c.fieldText(&v, g, depth+1)
			return s
		}
		v.run(g.skip)
	}
	return ""
}

// method resolves a method constant, nil if the chunk does not have it.
func (c *chunk) method(t *Type, id uint64, depth int) *method {
	p, e, ok := c.find(t, id)
	if !ok || depth > maxDepth {
		return nil
	}
	p.methods = grown(p.methods, len(p.at))
	if x := p.methods[e]; x != nil {
		return x
	}
	x := &method{}
	k := c.value(p, e)
	for i := range t.fields {
		f := &t.fields[i]
		switch {
		case f.name == "type" && f.constant && !f.array:
			if cl := c.class(f.typ, k.long(), depth+1); cl != nil {
				x.frame.Class, x.frame.Module = cl.name, cl.module
			}
		case f.name == "name":
			x.frame.Method, _ = c.fieldText(&k, f, depth+1)
		case f.name == "descriptor":
			x.frame.Descriptor, _ = c.fieldText(&k, f, depth+1)
		default:
			k.run(f.skip)
		}
	}
	x.frame.m = x
	c.path = appendFunction(c.path[:0], x.frame.Class, x.frame.Method)
	x.function = c.names.get(c.path)
	x.file = c.names.get(append(c.path[:0], sourceFile(x.frame.Class)...))
	p.methods[e] = x
	return x
}

// className turns the JVM's spelling into the language's: java/lang/String
// into java.lang.String, [[I into int[][].
func (c *chunk) className(s string) string {
	dims := 0
	for dims < len(s) && s[dims] == '[' {
		dims++
	}
	if dims == 0 && strings.IndexByte(s, '/') < 0 {
		return s
	}
	base := s[dims:]
	if dims > 0 {
		base = elementName(base)
	}
	b := append(c.path[:0], base...)
	for i := range b {
		// No name begins with a digit: that slash is part of a hidden class's, as
		// in Foo$$Lambda/0x000000001e045210.
		if b[i] == '/' && (i+1 == len(b) || b[i+1] < '0' || b[i+1] > '9') {
			b[i] = '.'
		}
	}
	for ; dims > 0 && len(b) < c.opt.Limits.MaxString; dims-- {
		b = append(b, "[]"...)
	}
	c.path = b
	return c.names.get(b)
}

// elementName is the class of an array's elements by its descriptor.
func elementName(d string) string {
	switch d {
	case "B":
		return "byte"
	case "C":
		return "char"
	case "D":
		return "double"
	case "F":
		return "float"
	case "I":
		return "int"
	case "J":
		return "long"
	case "S":
		return "short"
	case "Z":
		return "boolean"
	}
	if strings.HasPrefix(d, "L") && strings.HasSuffix(d, ";") {
		return d[1 : len(d)-1]
	}
	return d
}
