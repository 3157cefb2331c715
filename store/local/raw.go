package local

import (
	"encoding/binary"
	"slices"

	"tacho"
)

// A raw block is the timed samples of one type of one target in one minute of
// one batch, in order of time:
//
//	version   byte     1
//	n         uvarint  samples
//	series    uvarint count, then each: uvarint series id (ascending; distance
//	          to the one before), uvarint sum of its values
//	threads   uvarint count, then each: uvarint index into series, varint ID,
//	          varint JavaID, uvarint bytes of the name shared with the thread
//	          before, uvarint length and bytes of the rest
//	stacks    uvarint count, then uvarint distance to the id before each
//	columns   time (nanoseconds into the minute, distance to the sample before)
//	          thread (index), stack (index), value, span
//
// A thread's group is that of its series: a series is a type, a target and a
// thread group. Counts of open minutes need the head only.
const rawVersion = 1

// rawBlock is a decoded block; its slices are reused by the next decode.
type rawBlock struct {
	n       int
	series  []uint32
	totals  []uint64
	threads []rawThread
	stacks  []uint32

	time, thread, stack, value, span []uint64
}

type rawThread struct {
	series int // index into rawBlock.series
	tacho.Thread
}

// Columns to decode.
const (
	wantTime = 1 << iota
	wantThread
	wantStack
	wantValue
	wantSpan
	wantAll = wantTime | wantThread | wantStack | wantValue | wantSpan
)

// decodeHead reads what stands before the threads.
func (b *rawBlock) decodeHead(k, val []byte) (reader, error) {
	r := reader{key: k, b: val}
	r.version(rawVersion)
	n := r.uvarint()
	if r.err == nil && n > maxColumn {
		r.fail("%d samples", n)
	}
	b.n = int(n)
	count := r.count(2, "series")
	b.series, b.totals = b.series[:0], b.totals[:0]
	next := uint64(0)
	for range count {
		id := next + r.uvarint()
		if r.err == nil && (id >= 1<<32 || id < next) {
			r.fail("series %d", id)
		}
		if r.err != nil {
			break
		}
		b.series = append(b.series, uint32(id))
		b.totals = append(b.totals, r.uvarint())
		next = id + 1
	}
	return r, r.err
}

// decode reads a block. Stack ids must be below stacks.
func (b *rawBlock) decode(k, val []byte, stacks int, want int) error {
	r, err := b.decodeHead(k, val)
	if err != nil {
		return err
	}
	count := r.count(5, "threads")
	b.threads = b.threads[:0]
	prev := ""
	for range count {
		var t rawThread
		t.series = int(r.u32(uint64(len(b.series)), "series index"))
		t.ID, t.JavaID = r.varint(), r.varint()
		shared := r.u32(min(uint64(len(prev)), maxShared)+1, "shared bytes of a name")
		rest := r.count(1, "bytes of a name")
		t.Name = prev[:min(int(shared), len(prev))] + string(r.bytes(rest))
		if r.err != nil {
			return r.err
		}
		prev = t.Name
		b.threads = append(b.threads, t)
	}
	count = r.count(1, "stacks")
	b.stacks = b.stacks[:0]
	next := uint64(0)
	for range count {
		id := next + r.uvarint()
		if r.err == nil && (id >= uint64(stacks) || id < next) {
			r.fail("stack %d out of %d", id, stacks)
		}
		if r.err != nil {
			return r.err
		}
		b.stacks = append(b.stacks, uint32(id))
		next = id + 1
	}
	for i, col := range []*[]uint64{&b.time, &b.thread, &b.stack, &b.value, &b.span} {
		if want&(1<<i) == 0 {
			skipColumn(&r)
			continue
		}
		*col = readColumn(&r, *col, b.n)
	}
	if err := r.end(); err != nil {
		return err
	}
	return b.check(&r, want)
}

// check holds columns against the tables they index, and undoes distances.
func (b *rawBlock) check(r *reader, want int) error {
	if want&wantTime != 0 {
		at := uint64(0)
		for i, d := range b.time {
			if at += d; d >= minuteNanos || at >= minuteNanos {
				r.fail("sample %d lies outside its minute", i)
				return r.err
			}
			b.time[i] = at
		}
	}
	if want&wantThread != 0 {
		for i, t := range b.thread {
			if t >= uint64(len(b.threads)) {
				r.fail("sample %d: thread %d out of %d", i, t, len(b.threads))
				return r.err
			}
		}
	}
	if want&wantStack != 0 {
		for i, s := range b.stack {
			if s >= uint64(len(b.stacks)) {
				r.fail("sample %d: stack %d out of %d", i, s, len(b.stacks))
				return r.err
			}
		}
	}
	return nil
}

// maxShared bounds what threads take over from the name before: a damaged block
// could otherwise grow to the square of its size.
const maxShared = 255

// rawEncoder makes raw blocks; reused.
type rawEncoder struct {
	cols    columns
	at      []uint32 // by thread of the batch: its place in threads
	sum     []uint64 // by thread of the batch
	threads []uint32 // of the batch, by place
	seen    sums     // of stacks: how often they occur
	ids     tokens   // stacks that occur
	index   []uint32 // stack id → place in ids
	series  []uint32
	totals  []uint64
	col     []uint64
	out     []byte
}

// encode writes samples of one minute, sorted by time. stack maps stacks of the
// batch to stack ids, series threads of the batch to series ids. Limit: five
// columns of numbers, a pass or two each.
func (e *rawEncoder) encode(minuteStart int64, samples []tacho.Sample, threads []tacho.Thread, stack, series []uint32) []byte {
	e.at = resetTo(e.at, len(threads))
	e.sum = resize(e.sum, len(threads))
	e.threads, e.series = e.threads[:0], e.series[:0]
	for i := range samples {
		s := &samples[i]
		if e.at[s.Thread] == unset {
			e.at[s.Thread], e.sum[s.Thread] = 0, 0
			e.threads = append(e.threads, s.Thread)
			e.series = append(e.series, series[s.Thread])
		}
		e.sum[s.Thread] += uint64(s.Value)
		id := stack[s.Stack]
		e.seen.grow(int(id) + 1)
		e.seen.add(id, 1)
	}
	e.seen.drain(&e.ids)
	slices.Sort(e.series)
	e.series = slices.Compact(e.series)
	slices.SortFunc(e.threads, func(a, b uint32) int { return compareThreads(&threads[a], &threads[b]) })
	e.totals = append(e.totals[:0], make([]uint64, len(e.series))...)
	for _, t := range e.threads {
		si, _ := slices.BinarySearch(e.series, series[t])
		e.totals[si] += e.sum[t]
	}

	b := append(e.out[:0], rawVersion)
	b = binary.AppendUvarint(b, uint64(len(samples)))
	b = binary.AppendUvarint(b, uint64(len(e.series)))
	next := uint32(0)
	for i, id := range e.series {
		b = binary.AppendUvarint(b, uint64(id-next))
		b = binary.AppendUvarint(b, e.totals[i])
		next = id + 1
	}
	b = binary.AppendUvarint(b, uint64(len(e.threads)))
	prev := ""
	for i, t := range e.threads {
		e.at[t] = uint32(i)
		th := &threads[t]
		si, _ := slices.BinarySearch(e.series, series[t])
		b = binary.AppendUvarint(b, uint64(si))
		b = appendVarint(b, th.ID)
		b = appendVarint(b, th.JavaID)
		n := sharedPrefix(prev, th.Name)
		b = binary.AppendUvarint(b, uint64(n))
		b = appendStr(b, th.Name[n:])
		prev = th.Name
	}
	b = binary.AppendUvarint(b, uint64(len(e.ids.ids)))
	next = 0
	e.index = resize(e.index, len(e.seen.vec))
	for i, id := range e.ids.ids {
		b = binary.AppendUvarint(b, uint64(id-next))
		next = id + 1
		e.index[id] = uint32(i)
	}
	last := minuteStart
	b = e.column(b, samples, func(s *tacho.Sample) uint64 {
		d := s.Time - last
		last = s.Time
		return uint64(d)
	})
	b = e.column(b, samples, func(s *tacho.Sample) uint64 { return uint64(e.at[s.Thread]) })
	b = e.column(b, samples, func(s *tacho.Sample) uint64 { return uint64(e.index[stack[s.Stack]]) })
	b = e.column(b, samples, func(s *tacho.Sample) uint64 { return uint64(s.Value) })
	b = e.column(b, samples, func(s *tacho.Sample) uint64 { return s.Span })
	e.out = b
	return b
}

func (e *rawEncoder) column(b []byte, samples []tacho.Sample, get func(*tacho.Sample) uint64) []byte {
	e.col = e.col[:0]
	for i := range samples {
		e.col = append(e.col, get(&samples[i]))
	}
	return e.cols.append(b, e.col)
}

func compareThreads(a, b *tacho.Thread) int {
	switch {
	case a.Name != b.Name:
		if a.Name < b.Name {
			return -1
		}
		return 1
	case a.ID != b.ID:
		if a.ID < b.ID {
			return -1
		}
		return 1
	case a.JavaID != b.JavaID:
		if a.JavaID < b.JavaID {
			return -1
		}
		return 1
	}
	return 0
}

func sharedPrefix(a, b string) int {
	n := min(len(a), len(b), maxShared)
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
