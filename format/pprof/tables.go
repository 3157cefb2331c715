package pprof

import (
	"math"
	"strings"

	"tacho"
)

// ids leads from the ids of a message, which nearly always count from 1 on, to
// places in a table.
type ids struct {
	dense  []uint32 // place+1 by id
	sparse map[uint64]uint32
}

func (x *ids) reset(n int) {
	x.dense = append(x.dense[:0], make([]uint32, 2*n+2)...)
	x.sparse = nil
}

// add is false when the id is taken.
func (x *ids) add(id uint64, place int) bool {
	if id < uint64(len(x.dense)) {
		if x.dense[id] != 0 {
			return false
		}
		x.dense[id] = uint32(place + 1)
		return true
	}
	if _, ok := x.sparse[id]; ok {
		return false
	}
	if x.sparse == nil {
		x.sparse = map[uint64]uint32{}
	}
	x.sparse[id] = uint32(place + 1)
	return true
}

func (x *ids) find(id uint64) (place uint32, ok bool) {
	if id < uint64(len(x.dense)) {
		place = x.dense[id]
	} else {
		place = x.sparse[id]
	}
	return place - 1, place != 0
}

type function struct{ name, file uint32 } // strings

type mapping struct {
	module        uint32 // string
	start, offset uint64
	buildID       string
	buildFile     uint32 // string: what File is of frames that are addresses, 0 until needed
	kernel        bool
}

// tables makes frames of locations.
func (d *decoder) tables() error {
	d.texts()
	for _, s := range d.sampleTypes {
		if err := d.addType(s); err != nil {
			return err
		}
	}
	nameTypes(d.types)
	d.mapIDs.reset(len(d.mappings))
	for _, s := range d.mappings {
		if err := d.addMapping(s); err != nil {
			return err
		}
	}
	d.funcIDs.reset(len(d.functions))
	for _, s := range d.functions {
		if err := d.addFunction(s); err != nil {
			return err
		}
	}
	d.locIDs.reset(len(d.locations))
	d.frames = make([]tacho.FrameRef, 0, len(d.locations)+1)
	for _, s := range d.locations {
		if err := d.addLocation(s); err != nil {
			return err
		}
		if len(d.frames) > d.e.Limits.Strings {
			return d.limit("names held in memory", d.e.Limits.Strings, int(s.at))
		}
	}
	d.first = append(d.first, uint32(len(d.frames)))
	return nil
}

// texts copies the string table. Strings that lie one behind the other, as they
// do, become parts of one string, so that there is no allocation for each.
func (d *decoder) texts() {
	d.text = make([]string, len(d.strings), len(d.strings)+16)
	if len(d.strings) == 0 {
		d.text = append(d.text, "")
		return
	}
	sum := 0
	for _, s := range d.strings {
		sum += int(s.end - s.at)
	}
	from, to := d.strings[0].at, d.strings[len(d.strings)-1].end
	if to < from || int(to-from) > sum+4*len(d.strings) { // other fields lie between
		for i, s := range d.strings {
			d.text[i] = string(d.data[s.at:s.end])
		}
		return
	}
	all := string(d.data[from:to])
	for i, s := range d.strings {
		d.text[i] = all[s.at-from : s.end-from]
	}
}

// index is that of a string a field gives.
func (d *decoder) index(v uint64, at int) (uint32, error) {
	if v >= uint64(max(len(d.strings), 1)) {
		return 0, bad(at, "string %d of %d", int64(v), len(d.strings))
	}
	return uint32(v), nil
}

// extra adds a string that is not in the message.
func (d *decoder) extra(s string) uint32 {
	d.text = append(d.text, s)
	return uint32(len(d.text) - 1)
}

func (d *decoder) addMapping(s span) error {
	var v [16]uint64
	if err := flat(d.data, s, &v, 10); err != nil {
		return err
	}
	id, file, build := v[1], v[5], v[6]
	m := mapping{start: v[2], offset: v[4]}
	module, err := d.index(file, int(s.at))
	if err != nil {
		return err
	}
	b, err := d.index(build, int(s.at))
	if err != nil {
		return err
	}
	if id == 0 || !d.mapIDs.add(id, len(d.maps)) {
		return bad(int(s.at), "mapping id %d twice or reserved", id)
	}
	m.module, m.buildID = module, d.text[b]
	m.kernel = strings.HasPrefix(d.text[module], "[kernel") || strings.HasPrefix(d.text[module], "[guest.kernel")
	d.maps = append(d.maps, m)
	return nil
}

func (d *decoder) addFunction(s span) error {
	var v [16]uint64
	if err := flat(d.data, s, &v, 5); err != nil {
		return err
	}
	id, name, system, file := v[1], v[2], v[3], v[4]
	var fn function
	var err error
	if _, err = d.index(system, int(s.at)); err != nil {
		return err
	}
	if fn.name, err = d.index(name, int(s.at)); err != nil {
		return err
	}
	if fn.file, err = d.index(file, int(s.at)); err != nil {
		return err
	}
	if d.text[fn.name] == "" {
		fn.name = uint32(system)
	}
	if id == 0 || !d.funcIDs.add(id, len(d.funcs)) {
		return bad(int(s.at), "function id %d twice or reserved", id)
	}
	d.funcs = append(d.funcs, fn)
	return nil
}

// addLocation adds the frames of a location: of the calls inlined there the
// innermost first, as the message has them.
func (d *decoder) addLocation(s span) error {
	var v [16]uint64
	from := len(d.frames)
	b := d.data[:s.end]
	for i := int(s.at); i < len(b); {
		if tag := b[i]; tag < 0x80 && tag&7 == wireVarint && tag>>3 != 4 {
			n, to := varint(b, i+1)
			if to < 0 {
				return bad(i, "number without an end")
			}
			v[tag>>3] = n
			i = to
			continue
		}
		f, to, err := next(b, i, len(b))
		if err != nil {
			return err
		}
		switch f.num {
		case 1, 2, 3, 5:
			if err := f.want(wireVarint, i); err != nil {
				return err
			}
			v[f.num] = f.v
		case 4:
			if err := f.want(wireBytes, i); err != nil {
				return err
			}
			if err := d.addLine(f.span); err != nil {
				return err
			}
		}
		i = to
	}
	id, mapID, address := v[1], v[2], v[3]
	if id == 0 || !d.locIDs.add(id, len(d.first)) {
		return bad(int(s.at), "location id %d twice or reserved", id)
	}
	d.first = append(d.first, uint32(from))
	m := &mapping{}
	if place, ok := d.mapIDs.find(mapID); ok {
		m = &d.maps[place]
	}
	kind := tacho.KindUnknown
	if m.kernel {
		kind = tacho.KindKernel
	}
	if len(d.frames) == from {
		d.frames = append(d.frames, d.addressFrame(m, address, kind))
	}
	for i := from; i < len(d.frames); i++ {
		d.frames[i].Module, d.frames[i].Kind = m.module, kind
	}
	return nil
}

// addressFrame is a location that nobody has given a name yet.
func (d *decoder) addressFrame(m *mapping, address uint64, kind tacho.FrameKind) tacho.FrameRef {
	if address >= m.start {
		address += m.offset - m.start
	}
	f := tacho.AddressFrame(d.text[m.module], m.buildID, address, kind)
	if f.File != "" && m.buildFile == 0 {
		m.buildFile = d.extra(f.File)
	}
	return tacho.FrameRef{Function: d.extra(f.Function), File: m.buildFile}
}

func (d *decoder) addLine(s span) error {
	var v [16]uint64
	if err := flat(d.data, s, &v, 3); err != nil {
		return err
	}
	id, no := v[1], v[2]
	place, ok := d.funcIDs.find(id)
	if !ok {
		return bad(int(s.at), "a line of function %d, which is not there", id)
	}
	fn := d.funcs[place]
	number := int32(0)
	if v := int64(no); v > 0 && v <= math.MaxInt32 {
		number = int32(v)
	}
	d.frames = append(d.frames, tacho.FrameRef{Function: fn.name, File: fn.file, Line: number})
	return nil
}
