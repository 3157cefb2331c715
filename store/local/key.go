package local

import (
	"encoding/binary"
	"fmt"
)

// The first byte of every key. Kinds whose key goes on with a day or an hour
// are dropped by one range delete as time passes; the others go on with the
// service.
const (
	kindMeta     = 'M' // name                                         → one number
	kindService  = 'S' // svc                                          → tenant, name
	kindType     = 'T' // svc type                                     → name, unit
	kindTarget   = 'G' // svc target                                   → labels
	kindSeen     = 'g' // svc target                                   → first, last, newest instant
	kindSeries   = 'X' // svc series                                   → type, target, thread group
	kindPointDef = 'Q' // svc def                                      → name, unit, labels
	kindState    = 'V' // svc                                          → next batch number
	kindEpoch    = 'O' // svc epoch                                    → newest day
	kindTrie     = 't' // svc epoch chunk                              → trie chunk
	kindMark     = 'y' // svc level unit                               → token, when
	kindManifest = 'b' // hour svc target from sequence collector      → manifest
	kindWindow   = 'w' // hour svc target batch                        → window
	kindRaw      = 'r' // hour svc type minute target batch epoch      → timed block
	kindMinute   = 'm' // day svc type minute series source epoch batch → token block
	kindHour     = 'h' // day svc type hour series epoch               → token block
	kindHourAll  = 'H' // day svc type hour epoch                      → token block
	kindDay      = 'd' // day svc type series epoch                    → token block
	kindDayAll   = 'D' // day svc type epoch                           → token block
	kindCount    = 'n' // day svc type hour series                     → count row
	kindCountAll = 'N' // day svc type hour                            → count row
	kindCover    = 'k' // day svc type hour target                     → bit per minute
	kindPoints   = 'p' // hour svc target batch                        → points
	kindEvents   = 'e' // hour svc from target batch                   → events
	kindLong     = 'E' // day svc from target batch                    → events longer than an hour
)

// Sources of a token block of the minute level.
const (
	srcSealed  = 0 // recomputed from raw blocks
	srcUntimed = 1 // untimed samples of one batch
	srcLate    = 2 // timed samples of one batch that came after raw samples of their hour were dropped
)

// Levels of roll-up, as used in marks.
const (
	levelMinute = 0
	levelHour   = 1
	levelDay    = 2
)

const (
	minuteNanos = 60 * 1_000_000_000
	hourNanos   = 60 * minuteNanos
	dayNanos    = 24 * hourNanos
)

// key builds a key. Numbers are big endian so that keys sort by them.
type key []byte

func newKey(kind byte) key     { return append(make(key, 0, 48), kind) }
func (k key) u8(v uint8) key   { return append(k, v) }
func (k key) u16(v uint16) key { return binary.BigEndian.AppendUint16(k, v) }
func (k key) u32(v uint32) key { return binary.BigEndian.AppendUint32(k, v) }
func (k key) u64(v uint64) key { return binary.BigEndian.AppendUint64(k, v) }
func (k key) u48(v uint64) key {
	return append(k.u16(uint16(v>>32)), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}
func (k key) str(s string) key         { return append(k, s...) }
func svcKey(kind byte, svc uint32) key { return newKey(kind).u32(svc) }

// after is the first key behind all keys that start with k.
func (k key) after() key {
	out := append(key(nil), k...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}

func metaKey(name string) key { return newKey(kindMeta).str(name) }

func manifestKey(svc, target uint32, from int64, seq uint64, collector string) key {
	return newKey(kindManifest).u32(uint32(from / hourNanos)).u32(svc).u32(target).u64(uint64(from)).u64(seq).str(collector)
}

func windowKey(hour, svc, target uint32, batch uint64) key {
	return newKey(kindWindow).u32(hour).u32(svc).u32(target).u48(batch)
}

// rawKey is the prefix of raw blocks of one minute (given since the Unix epoch).
func rawPrefix(svc uint32, typ uint16, minute uint32) key {
	return newKey(kindRaw).u32(minute / 60).u32(svc).u16(typ).u8(uint8(minute % 60))
}

func rawKey(svc uint32, typ uint16, minute, target uint32, batch uint64, epoch uint16) key {
	return rawPrefix(svc, typ, minute).u32(target).u48(batch).u16(epoch)
}

func minutePrefix(svc uint32, typ uint16, minute uint32) key {
	return newKey(kindMinute).u32(minute / 1440).u32(svc).u16(typ).u16(uint16(minute % 1440))
}

func minuteKey(svc uint32, typ uint16, minute, series uint32, src uint8, epoch uint16, batch uint64) key {
	k := minutePrefix(svc, typ, minute).u32(series).u8(src).u16(epoch)
	if src != srcSealed {
		k = k.u48(batch)
	}
	return k
}

// hourPrefix serves the kinds that go on with day svc type hour.
func hourPrefix(kind byte, svc uint32, typ uint16, hour uint32) key {
	return newKey(kind).u32(hour / 24).u32(svc).u16(typ).u8(uint8(hour % 24))
}

// dayPrefix serves the kinds that go on with day svc type.
func dayPrefix(kind byte, svc uint32, typ uint16, day uint32) key {
	return newKey(kind).u32(day).u32(svc).u16(typ)
}

func markKey(svc uint32, level uint8, unit uint32) key {
	return svcKey(kindMark, svc).u8(level).u32(unit)
}

// Fields at the end of keys, counted from their fixed layout. The callers have
// scanned a prefix; a key of another length is not one of ours.
func rawFields(k []byte) (target uint32, batch uint64, epoch uint16, ok bool) {
	if len(k) != 24 {
		return 0, 0, 0, false
	}
	return binary.BigEndian.Uint32(k[12:]), u48(k[16:]), binary.BigEndian.Uint16(k[22:]), true
}

type minuteFields struct {
	minute uint32 // since the Unix epoch
	series uint32
	src    uint8
	epoch  uint16
	batch  uint64
}

func parseMinuteKey(k []byte) (f minuteFields, ok bool) {
	if len(k) != 20 && len(k) != 26 {
		return f, false
	}
	f.minute = binary.BigEndian.Uint32(k[1:])*1440 + uint32(binary.BigEndian.Uint16(k[11:]))
	f.series = binary.BigEndian.Uint32(k[13:])
	f.src = k[17]
	f.epoch = binary.BigEndian.Uint16(k[18:])
	if len(k) == 26 {
		f.batch = u48(k[20:])
	}
	return f, f.src == srcSealed == (len(k) == 20)
}

func u48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

// keyName is how errors name a key.
func keyName(k []byte) string {
	if len(k) == 0 {
		return "key (empty)"
	}
	return fmt.Sprintf("key %c/%x", k[0], k[1:])
}
