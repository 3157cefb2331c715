package wire

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/zstd"

	"tacho"
)

const (
	magic     = "TBT\x01"
	crcEnd    = len(magic) + 4
	minHeader = crcEnd + 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The compressor and the scratch buffers are the only things of the process
// rather than of a caller: they carry no state from one batch to the next, and
// making a compressor costs more than compressing a batch.
var (
	compressor = sync.OnceValue(func() *zstd.Encoder {
		// A window of 256 KiB holds any usual batch; more would only cost the
		// agent memory. The CRC is ours.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
			zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			panic("wire: zstd refuses constant options: " + err.Error())
		}
		return e
	})
	scratch = sync.Pool{New: func() any { return new([]byte) }}
)

// Encode appends the batch to dst. It does not check the batch: Decode gives
// back what went in, or says what is wrong with it.
func Encode(dst []byte, b *tacho.Batch) []byte {
	buf := scratch.Get().(*[]byte)
	body := appendBody((*buf)[:0], b)
	head := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	dst = compressor().EncodeAll(body, dst)
	binary.LittleEndian.PutUint32(dst[head+len(magic):], crc32.Checksum(dst[head+crcEnd:], castagnoli))
	if cap(body) <= 4<<20 { // do not keep the memory of one giant
		*buf = body
	}
	scratch.Put(buf)
	return dst
}

func appendBody(p []byte, b *tacho.Batch) []byte {
	p = appendString(p, b.Collector)
	p = binary.AppendVarint(p, b.From)
	p = binary.AppendVarint(p, b.Until-b.From)
	p = binary.AppendUvarint(p, b.Sequence)
	p = appendLabels(p, b.Target)

	p = appendCount(p, len(b.Strings))
	for _, s := range b.Strings {
		p = appendCount(p, len(s))
	}
	for _, s := range b.Strings {
		p = append(p, s...)
	}

	p = appendCount(p, len(b.Frames))
	p = appendDeltas(p, 0, b.Frames, func(f *tacho.FrameRef) int64 { return int64(f.Function) })
	p = appendDeltas(p, 0, b.Frames, func(f *tacho.FrameRef) int64 { return int64(f.File) })
	p = appendDeltas(p, 0, b.Frames, func(f *tacho.FrameRef) int64 { return int64(f.Module) })
	p = appendDeltas(p, 0, b.Frames, func(f *tacho.FrameRef) int64 { return int64(f.Line) })
	for i := range b.Frames {
		p = append(p, byte(b.Frames[i].Kind))
	}

	p = appendCount(p, len(b.Stacks))
	for _, s := range b.Stacks {
		p = appendCount(p, len(s))
	}
	for _, s := range b.Stacks {
		p = appendDeltas(p, 0, s, func(f *uint32) int64 { return int64(*f) })
	}

	p = appendCount(p, len(b.Threads))
	p = appendDeltas(p, 0, b.Threads, func(t *tacho.Thread) int64 { return t.ID })
	p = appendDeltas(p, 0, b.Threads, func(t *tacho.Thread) int64 { return t.JavaID })
	for i := range b.Threads {
		p = appendString(p, b.Threads[i].Name)
	}
	for i := range b.Threads {
		p = appendString(p, b.Threads[i].Group)
	}

	p = appendCount(p, len(b.Profiles))
	for i := range b.Profiles {
		p = appendProfile(p, b.From, &b.Profiles[i])
	}
	p = appendCount(p, len(b.Series))
	for i := range b.Series {
		p = appendSeries(p, b.From, &b.Series[i])
	}
	return appendEvents(p, b.From, b.Events)
}

func appendProfile(p []byte, from int64, pr *tacho.Profile) []byte {
	p = appendString(p, pr.Type.Name)
	p = appendString(p, pr.Type.Unit)
	p = appendCount(p, len(pr.Samples))
	p = appendDeltas(p, from, pr.Samples, func(s *tacho.Sample) int64 { return s.Time })
	p = appendDeltas(p, 0, pr.Samples, func(s *tacho.Sample) int64 { return s.Value })
	for i := range pr.Samples {
		p = binary.AppendUvarint(p, uint64(pr.Samples[i].Stack))
	}
	for i := range pr.Samples {
		p = binary.AppendUvarint(p, uint64(pr.Samples[i].Thread))
	}
	return appendDeltas(p, 0, pr.Samples, func(s *tacho.Sample) int64 { return int64(s.Span) })
}

func appendSeries(p []byte, from int64, s *tacho.Series) []byte {
	p = appendString(p, s.Name)
	p = appendString(p, s.Unit)
	p = appendLabels(p, s.Labels)
	p = appendCount(p, len(s.Points))
	p = appendDeltas(p, from, s.Points, func(x *tacho.Point) int64 { return x.Time })
	var prev uint64
	for i := range s.Points {
		v := math.Float64bits(s.Points[i].Value)
		p = binary.AppendUvarint(p, bits.ReverseBytes64(v^prev))
		prev = v
	}
	return p
}

func appendEvents(p []byte, from int64, es []tacho.Event) []byte {
	p = appendCount(p, len(es))
	p = appendDeltas(p, from, es, func(e *tacho.Event) int64 { return e.Time })
	for i := range es {
		p = binary.AppendVarint(p, es[i].Duration)
	}
	for i := range es {
		p = appendString(p, es[i].Kind)
	}
	for i := range es {
		p = appendString(p, es[i].Name)
	}
	for i := range es {
		p = appendString(p, es[i].Thread)
	}
	for i := range es {
		p = appendLabels(p, es[i].Attrs)
	}
	return p
}

// appendDeltas writes one column. Differences wrap around and are undone by
// wrapping back, so every int64 survives.
func appendDeltas[T any](p []byte, prev int64, rows []T, get func(*T) int64) []byte {
	for i := range rows {
		v := get(&rows[i])
		p = binary.AppendVarint(p, v-prev)
		prev = v
	}
	return p
}

func appendLabels(p []byte, ls tacho.Labels) []byte {
	p = appendCount(p, len(ls))
	for _, l := range ls {
		p = appendString(appendString(p, l.Name), l.Value)
	}
	return p
}

func appendCount(p []byte, n int) []byte { return binary.AppendUvarint(p, uint64(n)) }

func appendString(p []byte, s string) []byte {
	return append(appendCount(p, len(s)), s...)
}
