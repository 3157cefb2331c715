package local

import (
	"encoding/binary"

	"tacho"
)

// An events block is the events of one target and batch that start in the hour
// (long events: the day) of its key, in the batch's order:
//
//	version  byte     1
//	strings  uvarint count, then each: uvarint length, bytes
//	events   uvarint count, then each:
//	  time      varint   nanoseconds into the hour or day, distance to the event before
//	  duration  varint   nanoseconds
//	  kind, name, thread  uvarint index into strings each
//	  attrs     uvarint count, then name and value as indexes into strings
const eventsVersion = 1

// eventEncoder makes events blocks; reused.
type eventEncoder struct {
	ids  map[string]uint64
	list []string
	body []byte
	out  []byte
}

func (e *eventEncoder) id(s string) uint64 {
	id, ok := e.ids[s]
	if !ok {
		id = uint64(len(e.list))
		e.ids[s] = id
		e.list = append(e.list, s)
	}
	return id
}

func (e *eventEncoder) encode(start int64, events []tacho.Event) []byte {
	if e.ids == nil {
		e.ids = map[string]uint64{}
	}
	clear(e.ids)
	e.list = e.list[:0]
	b := e.body[:0]
	last := start
	for i := range events {
		ev := &events[i]
		b = appendVarint(b, ev.Time-last)
		last = ev.Time
		b = appendVarint(b, ev.Duration)
		for _, s := range [...]string{ev.Kind, ev.Name, ev.Thread} {
			b = binary.AppendUvarint(b, e.id(s))
		}
		b = binary.AppendUvarint(b, uint64(len(ev.Attrs)))
		for _, l := range ev.Attrs {
			b = binary.AppendUvarint(b, e.id(l.Name))
			b = binary.AppendUvarint(b, e.id(l.Value))
		}
	}
	e.body = b
	out := append(e.out[:0], eventsVersion)
	out = binary.AppendUvarint(out, uint64(len(e.list)))
	for _, s := range e.list {
		out = appendStr(out, s)
	}
	out = binary.AppendUvarint(out, uint64(len(events)))
	e.out = append(out, b...)
	return e.out
}

// readEvents decodes a block. Events start within span nanoseconds of start.
func readEvents(k, val []byte, start, span int64) ([]tacho.Event, error) {
	r := reader{key: k, b: val}
	r.version(eventsVersion)
	list := make([]string, 0, r.count(1, "strings"))
	for range cap(list) {
		list = append(list, r.str())
	}
	str := func() string {
		i := r.u32(uint64(len(list)), "string")
		if r.err != nil {
			return ""
		}
		return list[i]
	}
	n := r.count(6, "events")
	if r.err != nil {
		return nil, r.err
	}
	events := make([]tacho.Event, 0, n)
	last := start
	for i := range n {
		var ev tacho.Event
		d := r.varint()
		if r.err == nil && (d < -span || d > span || last+d < start || last+d >= start+span) {
			r.fail("event %d starts outside its block", i)
		}
		ev.Time = last + d
		last = ev.Time
		ev.Duration = r.varint()
		ev.Kind, ev.Name, ev.Thread = str(), str(), str()
		for range r.count(2, "attributes") {
			ev.Attrs = append(ev.Attrs, tacho.Label{Name: str(), Value: str()})
		}
		if r.err != nil {
			return nil, r.err
		}
		events = append(events, ev)
	}
	return events, r.end()
}
