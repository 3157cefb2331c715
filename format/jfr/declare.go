package jfr

import "fmt"

// decl is a class element of the metadata.
type decl struct {
	id     int64
	name   string
	fields []fieldDecl
}

type fieldDecl struct {
	name        string
	typeID      int64
	constant    bool
	array       bool
	annotations []annotation
}

type annotation struct {
	typeID int64
	value  string
}

// build makes the fields, reading annotations by the names of their types.
func (d *decl) build(names map[int64]string) []field {
	fs := make([]field, len(d.fields))
	for i, x := range d.fields {
		f := field{name: x.name, typeID: x.typeID, constant: x.constant, array: x.array}
		for _, a := range x.annotations {
			name := names[a.typeID]
			if u := unitOf(name, a.value); u != unitNone {
				f.unit = u
			}
			f.unsigned = f.unsigned || name == "jdk.jfr.Unsigned"
		}
		fs[i] = f
	}
	return fs
}

// declReader reads the tree of elements of a metadata event:
//
//	strings:  count, then that many strings
//	element:  name, attribute count, (key, value)…, child count, element…
//
// where names, keys and values are indexes into the strings.
type declReader struct {
	c       cursor
	strings []string
	decls   []decl
	depth   int
}

const (
	maxElementDepth = 16
	maxMetadata     = 64 << 20 // bytes of one metadata event
)

// readDecls parses the body of a metadata event: what follows its id.
func readDecls(body []byte, fixed bool, maxString int) ([]decl, error) {
	r := &declReader{c: cursor{b: body, fixed: fixed}}
	n := r.c.count()
	var buf []byte
	for i := 0; i < n && !r.c.bad; i++ {
		var isRef bool
		if buf, _, isRef = r.c.appendString(buf[:0], maxString); isRef {
			return nil, fmt.Errorf("metadata: string %d is a constant", i)
		}
		r.strings = append(r.strings, string(buf))
	}
	if err := r.element(nil, nil); err != nil {
		return nil, err
	}
	if len(r.decls) == 0 {
		return nil, fmt.Errorf("metadata: declares no types")
	}
	return r.decls, nil
}

func (r *declReader) str() string {
	i := r.c.uint(4)
	if i >= uint64(len(r.strings)) {
		r.c.fail()
		return ""
	}
	return r.strings[i]
}

// element reads one element and its children. cl and fd are the class and the
// field it is inside of, if any.
func (r *declReader) element(cl *decl, fd *fieldDecl) error {
	if r.depth++; r.depth > maxElementDepth {
		return fmt.Errorf("metadata: elements nested deeper than %d", maxElementDepth)
	}
	defer func() { r.depth-- }()
	name := r.str()
	var a attributes
	n := r.c.count()
	for i := 0; i < n && !r.c.bad; i++ {
		key := r.str()
		a.set(key, r.str())
	}
	if a.err != nil {
		return fmt.Errorf("metadata: element %s: %w", name, a.err)
	}
	switch name {
	case "class":
		r.decls = append(r.decls, decl{id: a.id, name: a.name})
		cl, fd = &r.decls[len(r.decls)-1], nil
	case "field":
		if cl != nil {
			cl.fields = append(cl.fields, fieldDecl{name: a.name, typeID: a.class, constant: a.constant, array: a.array})
			fd = &cl.fields[len(cl.fields)-1]
		}
	case "annotation":
		if fd != nil {
			fd.annotations = append(fd.annotations, annotation{a.class, a.value})
		}
		fd = nil
	}
	kids := r.c.count()
	for i := 0; i < kids && !r.c.bad; i++ {
		if err := r.element(cl, fd); err != nil {
			return err
		}
	}
	if r.c.bad {
		return fmt.Errorf("metadata: malformed near byte %d of its body", r.c.p)
	}
	return nil
}
