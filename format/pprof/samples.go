package pprof

import (
	"context"
	"slices"

	"tacho"
)

// What a small location id leads to in decoder.one, when not to its only frame.
const (
	noLocation = ^uint32(0)
	manyFrames = noLocation - 1
)

// arenaFrames is how many frames of stacks are held before a batch is made,
// whatever Limits.Samples says: 16 MB.
const arenaFrames = 4 << 20

// readSamples goes over the samples, and hands over when enough are held.
func (d *decoder) readSamples(ctx context.Context) error {
	if len(d.types) == 0 && len(d.samples) > 0 {
		return bad(int(d.samples[0].at), "samples without sample types")
	}
	d.indexOnes()
	d.labels.begin(d)
	for i, s := range d.samples {
		if i&0x3fff == 0x3fff {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if err := d.sample(s); err != nil {
			return d.rest(err)
		}
		if len(d.rows)*len(d.types) >= d.e.Limits.Samples || len(d.arena) >= arenaFrames {
			if err := d.send(i+1 == len(d.samples)); err != nil {
				return err
			}
		}
	}
	return d.send(true)
}

// rest hands over what came before an error.
func (d *decoder) rest(err error) error {
	if e := d.send(true); e != nil {
		return e
	}
	return err
}

// indexOnes makes the table that leads from a location id to a frame in one
// step: the hottest look-up there is, one for each frame of each sample.
func (d *decoder) indexOnes() {
	d.one = slices.Grow(d.one[:0], len(d.locIDs.dense))[:len(d.locIDs.dense)]
	for id, place := range d.locIDs.dense {
		switch {
		case place == 0:
			d.one[id] = noLocation
		case d.first[place]-d.first[place-1] == 1 && len(d.pruned) == 0:
			d.one[id] = d.first[place-1]
		default:
			d.one[id] = manyFrames
		}
	}
}

// sample reads one sample into the tables of rows.
func (d *decoder) sample(s span) error {
	at := len(d.arena)
	value := len(d.values)
	d.labels.key = d.labels.key[:0]
	b, end := d.data, int(s.end)
	for i := int(s.at); i < end; {
		f, to, err := next(b, i, end)
		if err != nil {
			return err
		}
		switch {
		case f.num == 1 && f.wire == wireBytes:
			if err := d.stack(f.span, at); err != nil {
				return err
			}
		case f.num == 1 && f.wire == wireVarint:
			if err := d.location(f.v, i, at); err != nil {
				return err
			}
		case f.num == 2 && f.wire == wireBytes:
			for k := int(f.at); k < int(f.end); {
				v, n := varint(b[:f.end], k)
				if n < 0 {
					return bad(k, "number without an end")
				}
				d.values = append(d.values, int64(v))
				k = n
			}
		case f.num == 2 && f.wire == wireVarint:
			d.values = append(d.values, int64(f.v))
		case f.num == 3 && f.wire == wireBytes:
			d.labels.key = append(d.labels.key, b[i:to]...)
		case f.num >= 1 && f.num <= 3:
			return bad(i, "field %d has wire type %d", f.num, f.wire)
		}
		i = to
	}
	if n := len(d.values) - value; n != len(d.types) {
		d.values = d.values[:value]
		return bad(int(s.at), "sample has %d values, there are %d sample types", n, len(d.types))
	}
	for i := range d.types {
		v, ok := d.types[i].scaled(d.values[value+i])
		if !ok {
			v = d.values[value+i]
			d.values = d.values[:value]
			return bad(int(s.at), "value %d of %s; only what can be summed is kept", v, d.types[i].Name)
		}
		d.values[value+i] = v
	}
	who := uint32(0)
	if len(d.labels.key) > 0 {
		var err error
		if who, err = d.labels.find(d, int(s.at)); err != nil {
			d.values = d.values[:value]
			return err
		}
	}
	if len(d.pruned) > 0 {
		d.cut(at)
	}
	if len(d.arena)-at > d.e.Limits.Depth {
		d.arena = d.arena[:at+d.e.Limits.Depth]
		d.e.Warn.Once("", "stacks deeper than the limit are kept without their root end")
	}
	if len(d.arena) == at {
		d.arena = append(d.arena, d.emptyStack())
	}
	d.rows = append(d.rows, row{uint32(at), uint32(len(d.arena)), who})
	return nil
}

// stack reads packed location ids into the arena.
func (d *decoder) stack(s span, at int) error {
	b := d.data[:s.end]
	most := at + d.e.Limits.Depth + 1 // what is deeper will be cut: it is not even held
	d.arena = slices.Grow(d.arena, min(int(s.end-s.at), d.e.Limits.Depth))
	arena, one := d.arena, d.one
	n, room := len(arena), min(cap(arena), most)
	arena = arena[:room]
	for i := int(s.at); i < len(b) && n < most; {
		id, from := uint64(b[i]), i
		if i++; id >= 0x80 {
			if i < len(b) && b[i] < 0x80 { // ids from 128 to 16383: nearly all
				id = id&0x7f | uint64(b[i])<<7
				i++
			} else if id, i = varint(b, from); i < 0 {
				return bad(from, "number without an end")
			}
		}
		if id < uint64(len(one)) && n < len(arena) {
			if f := one[id]; f < manyFrames {
				arena[n] = f
				n++
				continue
			}
		}
		d.arena = arena[:n]
		if err := d.location(id, from, at); err != nil {
			return err
		}
		n = len(d.arena)
		room = max(min(cap(d.arena), most), n)
		arena = d.arena[:room]
	}
	d.arena = arena[:n]
	return nil
}

// location adds the frames of one location to the stack that began at.
func (d *decoder) location(id uint64, pos, at int) error {
	place, ok := d.locIDs.find(id)
	if !ok {
		return bad(pos, "location %d is not there", id)
	}
	if len(d.pruned) > 0 {
		d.arena = append(d.arena, place) // frames come after pruning
		return nil
	}
	for f := d.first[place]; f < d.first[place+1] && len(d.arena)-at <= d.e.Limits.Depth; f++ {
		d.arena = append(d.arena, f)
	}
	return nil
}

// emptyStack is the frame of samples that have no location at all.
func (d *decoder) emptyStack() uint32 {
	if d.noStack == 0 {
		d.frames = append(d.frames, tacho.FrameRef{Function: d.extra("[no stack]")})
		d.noStack = uint32(len(d.frames))
	}
	return d.noStack - 1
}
