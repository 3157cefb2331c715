package jfr

import (
	"fmt"
	"strings"
)

// Type is a type of values as the recording's own metadata describes it. Events
// have an event type; constants and nested values have the others.
type Type struct {
	ID   int64
	Name string // "jdk.ExecutionSample"

	kind   kind
	role   role
	slot   int // dense number, the same for one ID in every metadata of a chunk
	fields []field
	skip   []op // moves over a whole value

	wanted bool
	eager  []op // reads what every Event carries, up to the last such field
}

// field is one field of a type.
type field struct {
	name     string
	typeID   int64
	typ      *Type
	constant bool // an id in the pool of typ
	array    bool
	unsigned bool
	unit     unit
	skip     []op
}

// kind is how a value of a type is encoded.
type kind uint8

const (
	kindStruct kind = iota
	kindBool
	kindByte
	kindShort
	kindChar
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindString
)

func kindOfType(name string) kind {
	switch name {
	case "boolean":
		return kindBool
	case "byte":
		return kindByte
	case "short":
		return kindShort
	case "char":
		return kindChar
	case "int":
		return kindInt
	case "long":
		return kindLong
	case "float":
		return kindFloat
	case "double":
		return kindDouble
	case "java.lang.String":
		return kindString
	}
	return kindStruct
}

// role marks the types that are resolved to something of their own.
type role uint8

const (
	roleNone role = iota
	roleThread
	roleStack
	roleFrame
	roleMethod
	roleClass
)

func roleOfType(name string) role {
	switch name {
	case "java.lang.Thread":
		return roleThread
	case "jdk.types.StackTrace":
		return roleStack
	case "jdk.types.StackFrame":
		return roleFrame
	case "jdk.types.Method":
		return roleMethod
	case "java.lang.Class":
		return roleClass
	}
	return roleNone
}

// unit is what the @Timespan and @Timestamp annotations of a field say.
type unit uint8

const (
	unitNone unit = iota
	spanTicks
	spanNanos
	spanMicros
	spanMillis
	spanSeconds
	stampTicks
	stampMillis
)

func unitOf(annotation, value string) unit {
	switch annotation + " " + value {
	case "jdk.jfr.Timespan TICKS":
		return spanTicks
	case "jdk.jfr.Timespan NANOSECONDS":
		return spanNanos
	case "jdk.jfr.Timespan MICROSECONDS":
		return spanMicros
	case "jdk.jfr.Timespan MILLISECONDS":
		return spanMillis
	case "jdk.jfr.Timespan SECONDS":
		return spanSeconds
	case "jdk.jfr.Timestamp TICKS":
		return stampTicks
	case "jdk.jfr.Timestamp MILLISECONDS_SINCE_EPOCH":
		return stampMillis
	}
	return unitNone
}

// metadata is the types of a chunk.
type metadata struct {
	body  string // what it was parsed from, to recognise a repeated one
	fixed bool
	dense []*Type // by id, for the small ids the JDK gives
	large map[int64]*Type
	all   []*Type // by slot

	str    *Type // java.lang.String, whose constants strings refer to
	thread *Type
	stack  *Type
	method *Type
	frames frameLayout
	async  bool // has types of async-profiler
}

const denseTypes = 1 << 14

// lookup finds a type by id, nil if the metadata does not have it.
func (m *metadata) lookup(id uint64) *Type {
	if id < uint64(len(m.dense)) {
		return m.dense[id]
	}
	return m.large[int64(id)]
}

func (m *metadata) put(t *Type) {
	if t.ID >= 0 && t.ID < denseTypes {
		for int64(len(m.dense)) <= t.ID {
			m.dense = append(m.dense, nil)
		}
		m.dense[t.ID] = t
		return
	}
	if m.large == nil {
		m.large = map[int64]*Type{}
	}
	m.large[t.ID] = t
}

// newMetadata builds the types from their declarations: links fields to their
// types and compiles the plans. Types prev has keep their pointer and slot, and
// types only prev has are kept: a type that is gone from the newest metadata
// may still have events.
func newMetadata(decls []decl, prev *metadata, fixed bool, wanted func(string) bool) (*metadata, error) {
	m := &metadata{fixed: fixed}
	if prev != nil {
		for _, t := range prev.all {
			m.all = append(m.all, t)
			m.put(t)
		}
	}
	names := make(map[int64]string, len(decls))
	for i := range decls {
		names[decls[i].id] = decls[i].name
	}
	for i := range decls {
		d := &decls[i]
		t := m.lookup(uint64(d.id))
		if t == nil {
			t = &Type{ID: d.id, slot: len(m.all)}
			m.all = append(m.all, t)
			m.put(t)
		}
		t.Name, t.kind, t.role = d.name, kindOfType(d.name), roleOfType(d.name)
		t.fields = d.build(names)
		t.skip, t.eager = nil, nil
		t.wanted = wanted(t.Name)
		m.async = m.async || strings.HasPrefix(t.Name, "profiler.")
	}
	for _, t := range m.all {
		for i := range t.fields {
			f := &t.fields[i]
			if f.typ = m.lookup(uint64(f.typeID)); f.typ == nil {
				return nil, fmt.Errorf("metadata: field %s of %s has type %d, which is not declared", f.name, t.Name, f.typeID)
			}
		}
		switch {
		case t.kind == kindString:
			m.str = t
		case t.role == roleThread:
			m.thread = t
		case t.role == roleStack:
			m.stack = t
		case t.role == roleMethod:
			m.method = t
		}
	}
	if err := m.compile(); err != nil {
		return nil, err
	}
	m.frames = m.layoutFrames()
	return m, nil
}
