package local

import "encoding/binary"

// A manifest lists what a batch wrote, so that a retry can replace exactly
// that, also when it brings less:
//
//	version  byte     1
//	batch    uvarint  the number its blocks carry in their keys
//	epoch    uvarint  of the trie its blocks refer to
//	entries  uvarint count, then each: byte kind, uvarint a, uvarint b
//
// Entries are in order; a and b are the varying part of the key (see entry.key).
const manifestVersion = 1

type manifest struct {
	batch   uint64
	epoch   uint16
	entries []entry
}

// entry is one key a batch wrote.
type entry struct {
	kind byte // the key's kind; blocks of the minute level use kindMinute+source, below
	a    uint32
	b    uint32
}

// Entries of the minute level tell their source apart by pseudo kinds.
const (
	entryUntimed = '1' // a = series, b = minute
	entryLate    = '2' // a = series, b = minute
)

// key rebuilds the key of an entry. from is the From of the batch.
func (m *manifest) key(e entry, svc, target uint32, from int64, typeOf func(series uint32) uint16) key {
	switch e.kind {
	case kindRaw: // a = type, b = minute
		return rawKey(svc, uint16(e.a), e.b, target, m.batch, m.epoch)
	case entryUntimed:
		return minuteKey(svc, typeOf(e.a), e.b, e.a, srcUntimed, m.epoch, m.batch)
	case entryLate:
		return minuteKey(svc, typeOf(e.a), e.b, e.a, srcLate, m.epoch, m.batch)
	case kindWindow: // a = hour
		return windowKey(e.a, svc, target, m.batch)
	case kindPoints: // a = hour
		return newKey(kindPoints).u32(e.a).u32(svc).u32(target).u48(m.batch)
	default: // kindEvents, kindLong: a = hour or day
		return newKey(e.kind).u32(e.a).u32(svc).u64(uint64(from)).u32(target).u48(m.batch)
	}
}

func (m *manifest) append(b []byte) []byte {
	b = append(b, manifestVersion)
	b = binary.AppendUvarint(b, m.batch)
	b = binary.AppendUvarint(b, uint64(m.epoch))
	b = binary.AppendUvarint(b, uint64(len(m.entries)))
	for _, e := range m.entries {
		b = append(b, e.kind)
		b = binary.AppendUvarint(b, uint64(e.a))
		b = binary.AppendUvarint(b, uint64(e.b))
	}
	return b
}

func readManifest(k, val []byte) (m manifest, err error) {
	r := reader{key: k, b: val}
	r.version(manifestVersion)
	m.batch = r.uvarint()
	if r.err == nil && m.batch>>48 != 0 {
		r.fail("batch number %d", m.batch)
	}
	m.epoch = uint16(r.u32(1<<16, "epoch"))
	for range r.count(3, "entries") {
		e := entry{kind: r.byte(), a: r.u32(1<<32, "entry"), b: r.u32(1<<32, "entry")}
		switch e.kind {
		case kindRaw, entryUntimed, entryLate, kindWindow, kindPoints, kindEvents, kindLong:
		default:
			r.fail("entry of unknown kind %q", e.kind)
		}
		m.entries = append(m.entries, e)
	}
	return m, r.end()
}
