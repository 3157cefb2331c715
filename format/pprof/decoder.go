package pprof

import (
	"context"
	"errors"
	"fmt"
	"math"

	"tacho"
	"tacho/format"
)

// decoder is the work on one message. Its slices are used again for the next;
// what goes into batches is made anew.
type decoder struct {
	data []byte
	o    format.Options
	e    *format.Emitter

	// walk
	sampleTypes, samples, mappings, locations, functions, strings []span
	drop, keep                                                    uint64 // indexes of strings
	time, duration                                                int64

	// tables
	text    []string // the string table, then what is made of it
	types   []valueType
	mapIDs  ids
	maps    []mapping
	funcIDs ids
	funcs   []function
	locIDs  ids
	first   []uint32 // by location: its first frame; one more at the end
	one     []uint32 // by location id, where ids are small: its only frame, or manyFrames, or noLocation
	frames  []tacho.FrameRef
	pruned  []pruning // by location; empty when nothing is dropped
	starts  []uint32  // by location: its first frame that is not dropped; nil: all
	work    []uint32
	begin   int64  // Unix nanoseconds of the window's start
	noStack uint32 // frame of samples without locations

	// samples
	rows   []row
	values []int64  // of the rows, len(types) each
	arena  []uint32 // frames of the rows' stacks
	labels labels
}

// row is one sample.
type row struct {
	at, end uint32 // in arena
	labels  uint32 // index into labels.seen
}

// valueType is a sample type and what its values are multiplied by.
type valueType struct {
	tacho.ValueType
	factor int64
}

// maxMessage leaves offsets within 32 bits.
const maxMessage = math.MaxUint32 / 2

func (d *decoder) reset(data []byte, o format.Options, e *format.Emitter) {
	*d = decoder{
		data: data, o: o, e: e,
		sampleTypes: d.sampleTypes[:0], samples: d.samples[:0], mappings: d.mappings[:0], locations: d.locations[:0],
		functions: d.functions[:0], strings: d.strings[:0], types: d.types[:0],
		mapIDs: d.mapIDs, maps: d.maps[:0], funcIDs: d.funcIDs, funcs: d.funcs[:0], locIDs: d.locIDs,
		first: d.first[:0], one: d.one[:0], work: d.work[:0], rows: d.rows[:0], values: d.values[:0], arena: d.arena[:0],
	}
}

// keepWork is how large a table may be that is kept for the next profile.
const keepWork = 1 << 20

// forget lets go of the input, and of tables an unusual one has made large.
func (d *decoder) forget() {
	d.data, d.e, d.text, d.frames, d.labels = nil, nil, nil, nil, labels{}
	d.o = format.Options{}
	if max(cap(d.strings), cap(d.samples), cap(d.locations), cap(d.arena), cap(d.values), cap(d.one)) > keepWork {
		*d = decoder{}
	}
}

func (d *decoder) decode(ctx context.Context) error {
	err := d.steps(ctx)
	var m *malformed
	if errors.As(err, &m) {
		return d.e.Syntax(fmt.Sprintf("byte %d", m.at), m.reason, nil)
	}
	return err
}

func (d *decoder) steps(ctx context.Context) error {
	if len(d.data) > maxMessage {
		return d.limit(format.LimitMemory, maxMessage, 0)
	}
	if err := d.walk(); err != nil {
		return err
	}
	if len(d.data) == 0 {
		return bad(0, "empty input")
	}
	if err := d.tables(); err != nil {
		return err
	}
	d.window()
	if err := d.prune(); err != nil {
		return err
	}
	return d.readSamples(ctx)
}

// window: the profile's own time counts where it has one.
func (d *decoder) window() {
	const y1971 = 365 * 24 * 3600 * 1e9
	duration := max(d.duration, 0)
	if d.time < y1971 || d.time > math.MaxInt64-duration {
		if duration > 0 && duration < math.MaxInt64/2 {
			d.e.Duration(duration)
		}
	} else {
		d.e.Window(d.time, d.time+max(duration, 1))
	}
	d.begin = d.e.Begin()
}

func (d *decoder) limit(word string, most, at int) error {
	return d.e.Limit(word, int64(most), fmt.Sprintf("byte %d", at))
}
