package local

import (
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
)

// roller makes the roll-ups of one unit.
type roller struct {
	*view
	pb   *pebble.Batch
	raw  rawBlock
	tok  tokens
	pool [][]int64 // zeroed vectors
}

// sumKey is where a sum goes: an epoch of a series.
type sumKey struct {
	series uint32
	epoch  uint16
}

// vector takes a zeroed vector of at least n from the pool.
func (r *roller) vector(n int) []int64 {
	for len(r.pool) > 0 {
		v := r.pool[len(r.pool)-1]
		r.pool = r.pool[:len(r.pool)-1]
		if cap(v) >= n {
			return v[:n]
		}
	}
	return make([]int64, n)
}

func (r *roller) set(k key, val []byte) { _ = r.pb.Set(k, val, nil) }

// clear stages the deletion of all keys of [from, until) that keep refuses.
func (r *roller) clear(from, until key, keep func(k []byte) bool) error {
	return r.scan(from, until, func(k, _ []byte) error {
		if keep == nil || !keep(k) {
			_ = r.pb.Delete(append(key(nil), k...), nil)
		}
		return nil
	})
}

// minute sums the raw blocks of a minute into one block per series.
func (r *roller) minute(minute uint32) error {
	for t := range r.types() {
		typ := uint16(t)
		err := r.clear(minutePrefix(r.v.id, typ, minute), minutePrefix(r.v.id, typ, minute).after(), func(k []byte) bool {
			f, ok := parseMinuteKey(k)
			return !ok || f.src != srcSealed
		})
		if err != nil {
			return err
		}
		// Blocks come target by target, and a series belongs to one target.
		sums := map[sumKey][]int64{}
		flush := func() {
			for k, vec := range sums {
				r.tok.drain(vec)
				if len(r.tok.ids) > 0 {
					r.set(minuteKey(r.v.id, typ, minute, k.series, srcSealed, k.epoch, 0), r.tok.encode(0))
				}
				r.pool = append(r.pool, vec)
			}
			clear(sums)
		}
		last := uint32(0)
		err = r.rawMinute(typ, minute, func(k, val []byte, target uint32, _ uint64, epoch uint16) error {
			if target != last {
				flush()
				last = target
			}
			tree := r.tree(epoch)
			if tree == nil {
				return nil
			}
			if err := r.raw.decode(k, val, len(tree.Leaf), wantThread|wantStack|wantValue); err != nil {
				return err
			}
			vecs := make([][]int64, len(r.raw.series))
			for i, id := range r.raw.series {
				sk := sumKey{id, epoch}
				if sums[sk] == nil {
					sums[sk] = r.vector(len(tree.Leaf))
				}
				vecs[i] = sums[sk]
			}
			for i := range r.raw.n {
				vec := vecs[r.raw.threads[r.raw.thread[i]].series]
				vec[r.raw.stacks[r.raw.stack[i]]] += int64(r.raw.value[i])
			}
			return nil
		})
		if err != nil {
			return err
		}
		flush()
	}
	return nil
}

// hour sums the minutes of an hour, and makes its count and coverage rows.
func (r *roller) hour(hour uint32) error {
	cover, err := r.coverage(hour)
	if err != nil {
		return err
	}
	for t := range r.types() {
		id, typ := r.v.id, uint16(t)
		for _, kind := range []byte{kindHour, kindHourAll, kindCount, kindCountAll, kindCover} {
			p := hourPrefix(kind, id, typ, hour)
			if err := r.clear(p, p.after(), nil); err != nil {
				return err
			}
		}
		var minutes countRow
		all := totals{}
		err := r.inPieces(func(visit func(uint32, uint16, []byte, []byte) error) error {
			return r.minuteBlocks(typ, hour*60, hour*60+60, func(k, val []byte, f minuteFields) error {
				if _, _, err := readTokenHead(k, val); err != nil {
					return err
				}
				return visit(f.series, f.epoch, k, val)
			})
		}, func(blocks []block) error {
			for series, row := range countRows(blocks, &minutes) {
				r.set(hourPrefix(kindCount, id, typ, hour).u32(series), row.append(nil))
			}
			return r.sum(blocks, all, func(k sumKey, val []byte) {
				r.set(hourPrefix(kindHour, id, typ, hour).u32(k.series).u16(k.epoch), val)
			})
		})
		if err != nil {
			return err
		}
		for k, bits := range cover {
			if k.typ == typ {
				minutes.covered |= bits
				r.set(hourPrefix(kindCover, id, typ, hour).u32(k.target), appendCover(nil, bits))
			}
		}
		if minutes != (countRow{}) {
			r.set(hourPrefix(kindCountAll, id, typ, hour), minutes.append(nil))
		}
		all.each(r, func(epoch uint16, val []byte) {
			r.set(hourPrefix(kindHourAll, id, typ, hour).u16(epoch), val)
		})
	}
	return nil
}

// countRows is the sums per minute of each series that has all its blocks here;
// they are added to all.
func countRows(blocks []block, all *countRow) map[uint32]*countRow {
	rows := map[uint32]*countRow{}
	for i := range blocks {
		b := &blocks[i]
		f, _ := parseMinuteKey(b.key)
		h, _, _ := readTokenHead(b.key, b.val) // both were sound when the block was taken
		row := rows[b.series]
		if row == nil {
			row = &countRow{}
			rows[b.series] = row
		}
		row.sums[f.minute%60] += int64(h.total)
		all.sums[f.minute%60] += int64(h.total)
	}
	return rows
}

// coverage is the minutes of an hour each target was recorded in, per type.
func (r *roller) coverage(hour uint32) (map[typeTarget]uint64, error) {
	out := map[typeTarget]uint64{}
	err := r.scan(newKey(kindWindow).u32(hour).u32(r.v.id), nil, func(k, val []byte) error {
		if len(k) != 19 {
			return badKey(k)
		}
		win, err := readWindow(k, val)
		for _, t := range win.types {
			out[typeTarget{t, binary.BigEndian.Uint32(k[9:])}] |= win.minutes()
		}
		return err
	})
	return out, err
}

// day sums the hours of a day.
func (r *roller) day(day uint32) error {
	for t := range r.types() {
		id, typ := r.v.id, uint16(t)
		for _, kind := range []byte{kindDay, kindDayAll} {
			p := dayPrefix(kind, id, typ, day)
			if err := r.clear(p, p.after(), nil); err != nil {
				return err
			}
		}
		all := totals{}
		err := r.inPieces(func(visit func(uint32, uint16, []byte, []byte) error) error {
			return r.scan(dayPrefix(kindHour, id, typ, day), nil, func(k, val []byte) error {
				if len(k) != 18 {
					return badKey(k)
				}
				return visit(binary.BigEndian.Uint32(k[12:]), binary.BigEndian.Uint16(k[16:]), k, val)
			})
		}, func(blocks []block) error {
			return r.sum(blocks, all, func(k sumKey, val []byte) {
				r.set(dayPrefix(kindDay, id, typ, day).u32(k.series).u16(k.epoch), val)
			})
		})
		if err != nil {
			return err
		}
		all.each(r, func(epoch uint16, val []byte) {
			r.set(dayPrefix(kindDayAll, id, typ, day).u16(epoch), val)
		})
	}
	return nil
}
