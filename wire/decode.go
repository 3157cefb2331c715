package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"

	"tacho"
)

var decompressor = sync.OnceValue(func() *zstd.Decoder {
	// The capacity of the destination is the limit, so that a body which
	// unpacks to more than it announced is refused, not grown.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic("wire: zstd refuses constant options: " + err.Error())
	}
	return d
})

// Decode reads one encoded batch that fills p. What it returns has passed
// tacho.Batch.Validate and shares no memory with p. Errors are *SyntaxError.
func Decode(p []byte, lim Limits) (*tacho.Batch, error) {
	start, size, err := decodeHeader(p, lim)
	if err != nil {
		return nil, err
	}
	return decodeRest(p, start, size, lim)
}

// decodeRest decompresses and reads what decodeHeader found to be sound.
func decodeRest(p []byte, start, size int, lim Limits) (*tacho.Batch, error) {
	buf := scratch.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 4<<20 { // do not keep the memory of one giant
			scratch.Put(buf)
		}
	}()
	if cap(*buf) < size {
		*buf = make([]byte, 0, size)
	}
	body, zerr := decompressor().DecodeAll(p[start:], (*buf)[0:0:size])
	if zerr != nil {
		return nil, &SyntaxError{Offset: int64(start), Msg: "body does not decompress: " + zerr.Error()}
	}
	if len(body) != size {
		return nil, &SyntaxError{Offset: int64(start), Msg: fmt.Sprintf("body has %d bytes, announced were %d", len(body), size)}
	}
	b, err := decodeBody(body, lim)
	if err != nil {
		return nil, err
	}
	if err := b.Validate(); err != nil {
		return nil, &SyntaxError{Offset: int64(start), Msg: err.Error()}
	}
	return b, nil
}

// decodeHeader checks everything outside the body, and returns where the
// compressed body starts and how long it is when decompressed.
func decodeHeader(p []byte, lim Limits) (start, size int, err error) {
	if len(p) > lim.Compressed {
		return 0, 0, limitError(0, "Compressed", uint64(len(p)), lim.Compressed)
	}
	if len(p) < minHeader {
		return 0, 0, &SyntaxError{Offset: int64(len(p)), Msg: "ends inside the header"}
	}
	if string(p[:3]) != magic[:3] {
		return 0, 0, &SyntaxError{Msg: "does not start with TBT"}
	}
	if p[3] != magic[3] {
		return 0, 0, &SyntaxError{Offset: 3, Msg: fmt.Sprintf("version %d is not known, only %d", p[3], magic[3])}
	}
	if got, want := crc32.Checksum(p[crcEnd:], castagnoli), binary.LittleEndian.Uint32(p[len(magic):]); got != want {
		return 0, 0, &SyntaxError{Offset: int64(len(magic)), Msg: fmt.Sprintf("checksum is %08x, the bytes give %08x", want, got)}
	}
	v, n := binary.Uvarint(p[crcEnd:])
	if n <= 0 {
		return 0, 0, &SyntaxError{Offset: int64(crcEnd), Msg: "length of the body is not a varint"}
	}
	if v > uint64(max(lim.Decompressed, 0)) {
		return 0, 0, limitError(int64(crcEnd), "Decompressed", v, lim.Decompressed)
	}
	return crcEnd + n, int(v), nil
}

// decodeBody reads the columns. It does not keep p.
func decodeBody(p []byte, lim Limits) (*tacho.Batch, error) {
	d := &columns{p: p, lim: lim}
	b := &tacho.Batch{}
	b.Collector = d.str("collector")
	b.From = d.varint("from")
	b.Until = b.From + d.varint("until")
	b.Sequence = d.uvarint("sequence")
	b.Target = d.labels("target")
	b.Strings = d.strings()
	b.Frames = d.frames()
	b.Stacks = d.stacks()
	b.Threads = d.threads()
	b.Profiles = d.profiles(b.From)
	b.Series = d.series(b.From)
	b.Events = d.events(b.From)
	if d.err == nil && d.off != len(p) {
		d.fail("%d bytes follow the last event", len(p)-d.off)
	}
	if d.err != nil {
		return nil, d.err
	}
	return b, nil
}

func (d *columns) strings() []string {
	n := d.count("strings", "Strings", d.lim.Strings, 1)
	if n == 0 {
		return nil
	}
	lens := make([]int, n)
	total := 0
	for i := range lens {
		lens[i] = d.length("string", d.lim.StringLen)
		total += lens[i] // n and each length are bounded: no overflow
	}
	all := string(d.bytes("strings", total))
	if d.err != nil {
		return nil
	}
	out := make([]string, n)
	for i, l := range lens {
		out[i], all = all[:l], all[l:]
	}
	return out
}

func (d *columns) frames() []tacho.FrameRef {
	n := d.count("frames", "Frames", d.lim.Frames, 5)
	if n == 0 {
		return nil
	}
	out := make([]tacho.FrameRef, n)
	for i, c := 0, d.column(0); i < n; i++ {
		out[i].Function = c.index("frame function")
	}
	for i, c := 0, d.column(0); i < n; i++ {
		out[i].File = c.index("frame file")
	}
	for i, c := 0, d.column(0); i < n; i++ {
		out[i].Module = c.index("frame module")
	}
	for i, c := 0, d.column(0); i < n; i++ {
		v := c.next("frame line")
		if v != int64(int32(v)) {
			d.fail("frame %d: line %d is not a 32-bit number", i, v)
		}
		out[i].Line = int32(v)
	}
	for i, k := range d.bytes("frame kinds", n) {
		out[i].Kind = tacho.FrameKind(k)
	}
	return out
}

func (d *columns) stacks() [][]uint32 {
	n := d.count("stacks", "Stacks", d.lim.Stacks, 2)
	if n == 0 {
		return nil
	}
	out := make([][]uint32, n)
	depths := make([]int, n)
	total := 0
	for i := range depths {
		v := d.uvarint("stack depth")
		if v > uint64(d.lim.Depth) {
			d.exceeds("Depth", v, d.lim.Depth)
			return nil
		}
		depths[i] = int(v)
		total += depths[i]
	}
	if d.err != nil || !d.fits("frames of stacks", total, 1) {
		return nil
	}
	ids := make([]uint32, total)
	for i, depth := range depths {
		s := ids[:depth:depth]
		ids = ids[depth:]
		c := d.column(0)
		for k := range s {
			s[k] = c.index("stack frame")
		}
		out[i] = s
	}
	return out
}

func (d *columns) threads() []tacho.Thread {
	n := d.count("threads", "Threads", d.lim.Threads, 4)
	if n == 0 {
		return nil
	}
	out := make([]tacho.Thread, n)
	for i, c := 0, d.column(0); i < n; i++ {
		out[i].ID = c.next("thread id")
	}
	for i, c := 0, d.column(0); i < n; i++ {
		out[i].JavaID = c.next("thread java id")
	}
	for i := range out {
		out[i].Name = d.str("thread name")
	}
	for i := range out {
		out[i].Group = d.str("thread group")
	}
	return out
}

func (d *columns) profiles(from int64) []tacho.Profile {
	n := d.count("profiles", "Profiles", d.lim.Profiles, 3)
	if n == 0 {
		return nil
	}
	out := make([]tacho.Profile, n)
	left := d.lim.Samples
	for i := 0; i < n && d.err == nil; i++ {
		out[i].Type.Name = d.str("profile type")
		out[i].Type.Unit = d.str("profile unit")
		m := d.count("samples", "Samples", left, 5)
		left -= m
		if m == 0 {
			continue
		}
		s := make([]tacho.Sample, m)
		for k, c := 0, d.column(from); k < m; k++ {
			s[k].Time = c.next("sample time")
		}
		for k, c := 0, d.column(0); k < m; k++ {
			s[k].Value = c.next("sample value")
		}
		for k := range s {
			s[k].Stack = d.index("sample stack")
		}
		for k := range s {
			s[k].Thread = d.index("sample thread")
		}
		for k, c := 0, d.column(0); k < m; k++ {
			s[k].Span = uint64(c.next("sample span"))
		}
		out[i].Samples = s
	}
	return out
}

func (d *columns) series(from int64) []tacho.Series {
	n := d.count("series", "Series", d.lim.Series, 4)
	if n == 0 {
		return nil
	}
	out := make([]tacho.Series, n)
	left := d.lim.Points
	for i := 0; i < n && d.err == nil; i++ {
		out[i].Name = d.str("series name")
		out[i].Unit = d.str("series unit")
		out[i].Labels = d.labels("series")
		m := d.count("points", "Points", left, 2)
		left -= m
		if m == 0 {
			continue
		}
		pts := make([]tacho.Point, m)
		for k, c := 0, d.column(from); k < m; k++ {
			pts[k].Time = c.next("point time")
		}
		d.floats(pts)
		out[i].Points = pts
	}
	return out
}

func (d *columns) events(from int64) []tacho.Event {
	n := d.count("events", "Events", d.lim.Events, 6)
	if n == 0 {
		return nil
	}
	out := make([]tacho.Event, n)
	for i, c := 0, d.column(from); i < n; i++ {
		out[i].Time = c.next("event time")
	}
	for i := range out {
		out[i].Duration = d.varint("event duration")
	}
	for i := range out {
		out[i].Kind = d.str("event kind")
	}
	for i := range out {
		out[i].Name = d.str("event name")
	}
	for i := range out {
		out[i].Thread = d.str("event thread")
	}
	for i := range out {
		out[i].Attrs = d.labels("event")
	}
	return out
}
