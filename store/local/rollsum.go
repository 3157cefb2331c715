package local

import (
	"cmp"
	"maps"
	"slices"
)

// block is a token block held while an hour or a day is summed.
type block struct {
	series uint32
	epoch  uint16
	key    []byte
	val    []byte
}

// sumBytes bounds the blocks held at once. They are a byte or two a row, so that
// an hour of all but the largest services fits, and is read once.
const sumBytes = 32 << 20

// blockBytes is what a block takes beside its bytes.
const blockBytes = 64

// scanner visits the blocks of a unit; those of a series in any order. Keys and
// values are valid during visit only.
type scanner func(visit func(series uint32, epoch uint16, k, val []byte) error) error

// inPieces hands out the blocks of a unit, all those of a series together. When
// they are too many for the memory there is for them, the unit is read again for
// each piece that fits; a single series may be larger than that.
func (r *roller) inPieces(scan scanner, piece func(blocks []block) error) error {
	limit := cmp.Or(r.s.opt.sumBytes, sumBytes)
	var held []block
	sizes, total := map[uint32]int{}, 0
	hold := func(series uint32, epoch uint16, k, val []byte) {
		held = append(held, block{series, epoch, slices.Clone(k), slices.Clone(val)})
	}
	err := scan(func(series uint32, epoch uint16, k, val []byte) error {
		n := len(k) + len(val) + blockBytes
		sizes[series] += n
		if total += n; total <= limit {
			hold(series, epoch, k, val)
		} else {
			held = nil
		}
		return nil
	})
	if err != nil || total <= limit {
		return cmp.Or(err, piece(held))
	}
	ids := slices.Sorted(maps.Keys(sizes))
	for len(ids) > 0 {
		n, size := 1, sizes[ids[0]]
		for n < len(ids) && size+sizes[ids[n]] <= limit {
			size += sizes[ids[n]]
			n++
		}
		first, last := ids[0], ids[n-1]
		held, ids = nil, ids[n:]
		err := scan(func(series uint32, epoch uint16, k, val []byte) error {
			if series >= first && series <= last {
				hold(series, epoch, k, val)
			}
			return nil
		})
		if err := cmp.Or(err, piece(held)); err != nil {
			return err
		}
	}
	return nil
}

// totals is sums over all series, by epoch.
type totals map[uint16][]int64

// sum adds blocks up per series and epoch, hands those sums out, and adds them to
// all. Vectors are dense, hence one series at a time.
func (r *roller) sum(blocks []block, all totals, series func(k sumKey, val []byte)) error {
	slices.SortStableFunc(blocks, func(a, b block) int { return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.series, b.series)) })
	for i := 0; i < len(blocks); {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		id, epoch := blocks[i].series, blocks[i].epoch
		tree, n := r.tree(epoch), 0
		if tree != nil {
			n = len(tree.Leaf)
		}
		vec := r.vector(n)
		for ; i < len(blocks) && blocks[i].epoch == epoch && blocks[i].series == id; i++ {
			if tree == nil {
				continue // noted by tree
			}
			if err := r.visited(addTokens(vec, blocks[i].key, blocks[i].val)); err != nil {
				return err
			}
		}
		total, ok := all[epoch]
		if !ok {
			total = r.vector(n)
			all[epoch] = total
		}
		for s, v := range vec {
			total[s] += v
		}
		if r.tok.drain(vec); len(r.tok.ids) > 0 {
			series(sumKey{id, epoch}, r.tok.encode(0))
		}
		r.pool = append(r.pool, vec)
	}
	return nil
}

// each hands the sums over all series out, and takes the vectors back.
func (all totals) each(r *roller, visit func(epoch uint16, val []byte)) {
	for _, epoch := range slices.Sorted(maps.Keys(all)) {
		if r.tok.drain(all[epoch]); len(r.tok.ids) > 0 {
			visit(epoch, r.tok.encode(0))
		}
		r.pool = append(r.pool, all[epoch])
	}
}
