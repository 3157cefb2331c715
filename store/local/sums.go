package local

import (
	"math/bits"
	"slices"
)

// sums adds up values by stack id where few of many ids occur: a dense vector,
// and two levels of bits that say which entries are in use, so that reading
// them out in order needs neither a sort nor a pass over the vector. Limit: a
// cache miss a row in a vector of 8 bytes a stack.
type sums struct {
	vec   []uint64
	used  []uint64 // a bit for every entry of vec
	pages []uint64 // a bit for every word of used
}

// grow makes room for n ids.
func (x *sums) grow(n int) {
	if n <= len(x.vec) {
		return
	}
	n += n / 4
	x.vec = append(x.vec, make([]uint64, n-len(x.vec))...)
	x.used = append(x.used, make([]uint64, n/64+1-len(x.used))...)
	x.pages = append(x.pages, make([]uint64, n/4096+1-len(x.pages))...)
}

func (x *sums) add(id uint32, v uint64) {
	x.vec[id] += v
	x.used[id/64] |= 1 << (id % 64)
	x.pages[id/4096] |= 1 << (id / 64 % 64)
}

// drain moves the sums to t, in order of id, and leaves zeros.
func (x *sums) drain(t *tokens) {
	t.reset()
	for p, words := range x.pages {
		if words == 0 {
			continue
		}
		x.pages[p] = 0
		for ; words != 0; words &= words - 1 {
			w := p*64 + bits.TrailingZeros64(words)
			set := x.used[w]
			x.used[w] = 0
			for ; set != 0; set &= set - 1 {
				id := w*64 + bits.TrailingZeros64(set)
				t.add(uint32(id), x.vec[id])
				x.vec[id] = 0
			}
		}
	}
}

// row is a value of a stack of a thread, before sums are made.
type row struct {
	thread uint32 // of the batch
	stack  uint32
	v      uint64
}

// rows are values of the threads of a batch, to be summed series by series.
// Several threads may be of one series.
type rows struct {
	list    []row
	threads []uint32 // that occur
	count   []uint32 // by thread: how many rows
	sorted  []row
	order   []uint64 // series << 32 | thread
}

func (r *rows) reset(threads int) {
	r.list, r.threads = r.list[:0], r.threads[:0]
	r.count = append(r.count[:0], make([]uint32, threads)...)
}

func (r *rows) add(thread, stack uint32, v uint64) {
	if r.count[thread] == 0 {
		r.threads = append(r.threads, thread)
	}
	r.count[thread]++
	r.list = append(r.list, row{thread, stack, v})
}

// group visits the series in order, with their rows. Series is by thread. The
// rows are brought together by counting, not by a sort: a pass to read and one
// to write.
func (r *rows) group(series []uint32, visit func(series uint32, list []row)) {
	if len(r.threads) == 1 {
		visit(series[r.threads[0]], r.list)
		return
	}
	r.order = r.order[:0]
	for _, t := range r.threads {
		r.order = append(r.order, uint64(series[t])<<32|uint64(t))
	}
	slices.Sort(r.order)
	next := uint32(0) // from here on counts are places
	for _, o := range r.order {
		t := uint32(o)
		next, r.count[t] = next+r.count[t], next
	}
	r.sorted = slices.Grow(r.sorted[:0], len(r.list))[:len(r.list)]
	for _, x := range r.list {
		r.sorted[r.count[x.thread]] = x
		r.count[x.thread]++
	}
	from := uint32(0)
	for i, o := range r.order {
		if i+1 < len(r.order) && r.order[i+1]>>32 == o>>32 {
			continue
		}
		until := r.count[uint32(o)]
		visit(uint32(o>>32), r.sorted[from:until])
		from = until
	}
}
