package jfr

import (
	"bytes"
	"fmt"
)

// chunk is what events of one chunk are read with: its types, its constants,
// its clock. It outlives the chunk only as memory to be used again.
type chunk struct {
	opt    Options
	wanted func(string) bool
	clock  clock
	meta   *metadata
	pools  []pool // by Type.slot

	// consts holds the checkpoint events seen, one after the other; constants
	// are offsets into it. Values are copied out of it as strings.
	consts    []byte
	constants int // in all pools

	names  interner
	frames frameCache
	path   []byte // scratch for text
}

func newChunk(opt Options) *chunk {
	opt.Limits = opt.Limits.withDefaults()
	c := &chunk{opt: opt, wanted: func(string) bool { return true }}
	if opt.Events != nil {
		names := make(map[string]bool, len(opt.Events))
		for _, n := range opt.Events {
			names[n] = true
		}
		c.wanted = func(n string) bool { return names[n] }
	}
	return c
}

// reset forgets a chunk's constants and clock. Types stay, to be recognised.
func (c *chunk) reset() {
	for i := range c.pools {
		c.pools[i].reset()
	}
	c.consts, c.constants = c.consts[:0], 0
	c.frames = frameCache{}
	c.clock = clock{}
}

// setMetadata takes the chunk's types from a metadata event. sameChunk keeps
// the types it replaces where the new ones do not have them.
func (c *chunk) setMetadata(event []byte, fixed, sameChunk bool) error {
	if len(event) > maxMetadata {
		return fmt.Errorf("metadata of %d bytes is larger than %d", len(event), maxMetadata)
	}
	k := cursor{b: event, fixed: fixed}
	k.uint(4) // size
	if id := k.long(); id != typeMetadata || k.bad {
		return fmt.Errorf("metadata expected, found an event of type %d", id)
	}
	k.long() // time
	k.long() // duration
	k.long() // metadata id
	body := event[k.p:]
	if c.meta != nil && c.meta.fixed == fixed && c.meta.body == string(body) {
		return nil
	}
	decls, err := readDecls(body, fixed, c.opt.Limits.MaxString)
	if err != nil {
		return err
	}
	var prev *metadata
	if sameChunk {
		prev = c.meta
	}
	m, err := newMetadata(decls, prev, fixed, c.wanted)
	if err != nil {
		return err
	}
	m.body = string(body)
	if prev == nil {
		c.pools = nil
	}
	c.meta = m
	c.pools = append(c.pools, make([]pool, len(m.all)-len(c.pools))...)
	c.frames = frameCache{}
	return nil
}

// addCheckpoint adds the constants of a checkpoint event. The error's offset is
// the returned position in the event.
//
//	size, type (1), time, duration, delta to the checkpoint before,
//	flags (1 byte), pool count, then for each pool
//	    type id, constant count, then for each constant: id, value
func (c *chunk) addCheckpoint(event []byte) (pos int, err error) {
	base := len(c.consts)
	c.consts = append(c.consts, event...)
	k := cursor{b: c.consts, p: base, fixed: c.meta.fixed}
	k.uint(4)
	k.long()
	k.long()
	k.long()
	k.long()
	k.u8()
	for n := k.count(); n > 0 && !k.bad; n-- {
		id := k.long()
		t := c.meta.lookup(id)
		if t == nil {
			if k.bad {
				break
			}
			return k.p - base, fmt.Errorf("checkpoint holds constants of type %d, which the metadata does not declare", id)
		}
		p := &c.pools[t.slot]
		for count := k.count(); count > 0; count-- {
			key := k.long()
			at := k.p
			k.run(t.skip)
			if k.bad {
				break
			}
			if !c.put(p, t, key, at, k.p) {
				return k.p - base, fmt.Errorf("more than %d constants in one chunk", c.opt.Limits.MaxConstants)
			}
		}
	}
	if k.bad {
		return len(event), fmt.Errorf("checkpoint ends inside a constant")
	}
	return 0, nil
}

// put adds a constant whose value is consts[at:end]. A JVM writes some again at
// every flush, mostly unchanged: those keep what they were resolved to.
func (c *chunk) put(p *pool, t *Type, key uint64, at, end int) bool {
	i := p.ids.get(key)
	if i == noEntry {
		if c.constants >= c.opt.Limits.MaxConstants {
			return false
		}
		c.constants++
		p.ids.put(key, uint32(len(p.at)))
		p.at = append(p.at, uint32(at))
		return true
	}
	if p.resolved() {
		old := cursor{b: c.consts, p: int(p.at[i]), fixed: c.meta.fixed}
		old.run(t.skip)
		if !old.bad && bytes.Equal(c.consts[p.at[i]:old.p], c.consts[at:end]) {
			return true
		}
		p.forget(i)
		c.frames = frameCache{}
	}
	p.at[i] = uint32(at)
	return true
}

// find locates a constant. ok is false when the chunk does not have it.
func (c *chunk) find(t *Type, id uint64) (p *pool, entry uint32, ok bool) {
	if t == nil {
		return nil, 0, false
	}
	p = &c.pools[t.slot]
	entry = p.ids.get(id)
	return p, entry, entry != noEntry
}

// value is a cursor at the value of a constant.
func (c *chunk) value(p *pool, entry uint32) cursor {
	return cursor{b: c.consts, p: int(p.at[entry]), fixed: c.meta.fixed}
}
