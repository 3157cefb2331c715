package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unsafe"

	"github.com/klauspost/compress/s2"

	"tacho"
)

// Decode reads one encoded batch that fills p. What it returns is what
// tacho.Batch.Validate accepts, and shares no memory with p. Errors are
// *SyntaxError.
func Decode(p []byte, lim Limits) (*tacho.Batch, error) {
	size, err := decodeHeader(p, lim)
	if err != nil {
		return nil, err
	}
	return decodeRest(p, size, &tables{}, lim)
}

// decodeRest decompresses and reads what decodeHeader found to be sound.
func decodeRest(p []byte, size int, room *tables, lim Limits) (*tacho.Batch, error) {
	buf := scratch.Get().(*buffers)
	defer buf.release()
	room.body = resize(room.body, size)
	body, err := s2.Decode(room.body, p[crcEnd:]) // into room.body, as that is as long as announced
	if err != nil {
		return nil, &SyntaxError{Offset: int64(crcEnd), Msg: "body does not decompress: " + err.Error()}
	}
	return decodeBody(body, buf, room, lim)
}

// decodeHeader checks everything outside the body, and returns how long that is
// when decompressed.
func decodeHeader(p []byte, lim Limits) (size int, err error) {
	if len(p) > lim.Compressed {
		return 0, limitError(0, "Compressed", uint64(len(p)), lim.Compressed)
	}
	if len(p) < minHeader {
		return 0, &SyntaxError{Offset: int64(len(p)), Msg: "ends inside the header"}
	}
	if string(p[:3]) != magic[:3] {
		return 0, &SyntaxError{Msg: "does not start with TBT"}
	}
	if p[3] != magic[3] {
		return 0, &SyntaxError{Offset: 3, Msg: fmt.Sprintf("version %d is not known, only %d", p[3], magic[3])}
	}
	if got, want := crc32.Checksum(p[crcEnd:], castagnoli), binary.LittleEndian.Uint32(p[len(magic):]); got != want {
		return 0, &SyntaxError{Offset: int64(len(magic)), Msg: fmt.Sprintf("checksum is %08x, the bytes give %08x", want, got)}
	}
	v, n := binary.Uvarint(p[crcEnd:])
	if n <= 0 {
		return 0, &SyntaxError{Offset: int64(crcEnd), Msg: "length of the body is not a varint"}
	}
	if v > uint64(max(lim.Decompressed, 0)) {
		return 0, limitError(int64(crcEnd), "Decompressed", v, lim.Decompressed)
	}
	return int(v), nil
}

// decodeBody reads the columns. The strings of the batch are those in p; nothing
// else of the batch keeps it. Every index is held against
// its table as it is read; a batch with one that points outside, or with anything
// else amiss, goes to Validate for the words.
func decodeBody(p []byte, buf *buffers, room *tables, lim Limits) (*tacho.Batch, error) {
	d := &columns{p: p, lim: lim, buf: buf, room: room}
	b := &tacho.Batch{}
	b.Collector = d.str("collector")
	b.From = d.varint("from")
	b.Until = b.From + d.varint("until")
	b.Sequence = d.uvarint("sequence")
	b.Target = d.labels("target")
	b.Strings = d.strings()
	b.Frames = d.frames(uint32(len(b.Strings)))
	b.Stacks = d.stacks(uint32(len(b.Frames)))
	b.Threads = d.threads()
	b.Profiles = d.profiles(b)
	b.Series = d.series(b.From)
	b.Events = d.events(b.From)
	if d.err == nil && d.off != len(p) {
		d.fail("%d bytes follow the last event", len(p)-d.off)
	}
	if d.err != nil {
		return nil, d.err
	}
	if err := b.ValidateHeader(); err != nil {
		return nil, &SyntaxError{Offset: int64(d.off), Body: true, Msg: err.Error()}
	}
	if d.outside {
		if err := b.Validate(); err != nil {
			return nil, &SyntaxError{Offset: int64(d.off), Body: true, Msg: err.Error()}
		}
	}
	return b, nil
}

func (d *columns) strings() []string {
	n := d.count("strings", "Strings", d.lim.Strings, 1)
	if n == 0 {
		return nil
	}
	lens := d.words(n)
	top := d.planes("string length", lens)
	if uint64(top) > uint64(max(d.lim.StringLen, 0)) {
		d.exceeds("StringLen", uint64(top), d.lim.StringLen)
	}
	total := 0
	for _, l := range lens {
		total += int(l) // n and each length are bounded: no overflow
	}
	p := d.bytes("bytes of strings", total)
	if d.err != nil {
		return nil
	}
	all := unsafe.String(unsafe.SliceData(p), len(p)) // nobody writes to p before Release
	out := take(&d.room.strings, n)
	for i, l := range lens {
		out[i], all = all[:l], all[l:]
	}
	return out
}

func (d *columns) frames(strings uint32) []tacho.FrameRef {
	n := d.count("frames", "Frames", d.lim.Frames, 5)
	if n == 0 {
		return nil
	}
	out, v := take(&d.room.frames, n), d.words(4*n)
	function, file, module, line := v[:n], v[n:][:n], v[2*n:][:n], v[3*n:][:n]
	top := max(d.steps("frame function", function), d.steps("frame file", file), d.steps("frame module", module))
	d.outside = d.outside || top >= strings
	d.steps("frame line", line)
	kinds := d.bytes("frame kinds", n)
	if d.err != nil {
		return nil
	}
	for i := range out {
		out[i] = tacho.FrameRef{Function: function[i], File: file[i], Module: module[i], Line: int32(line[i]), Kind: tacho.FrameKind(kinds[i])}
	}
	return out
}

func (d *columns) stacks(frames uint32) [][]uint32 {
	n := d.count("stacks", "Stacks", d.lim.Stacks, 1)
	if n == 0 {
		return nil
	}
	depths := d.words(n)
	if top := d.planes("stack depth", depths); uint64(top) > uint64(max(d.lim.Depth, 0)) {
		d.exceeds("Depth", uint64(top), d.lim.Depth)
	}
	total := 0
	for _, depth := range depths {
		total += int(depth)
		d.outside = d.outside || depth == 0
	}
	if d.err != nil || !d.fits("frames of stacks", total, 1) {
		return nil
	}
	ids, out := take(&d.room.ids, total), take(&d.room.stacks, n)
	d.outside = d.planes("stack frames", ids) >= frames && total > 0 || d.outside
	for i, depth := range depths {
		out[i], ids = ids[:depth:depth], ids[depth:]
	}
	return out
}

func (d *columns) threads() []tacho.Thread {
	n := d.count("threads", "Threads", d.lim.Threads, 4)
	if n == 0 {
		return nil
	}
	out, v := make([]tacho.Thread, n), d.longs(n)
	d.deltas("thread id", 0, v)
	for i := range out {
		out[i].ID = v[i]
	}
	d.deltas("thread java id", 0, v)
	for i := range out {
		out[i].JavaID = v[i]
	}
	for i := range out {
		out[i].Name = d.str("thread name")
	}
	for i := range out {
		out[i].Group = d.str("thread group")
	}
	return out
}

func (d *columns) profiles(b *tacho.Batch) []tacho.Profile {
	n := d.count("profiles", "Profiles", d.lim.Profiles, 3)
	if n == 0 {
		return nil
	}
	out := make([]tacho.Profile, n)
	left := d.lim.Samples
	for i := 0; i < n && d.err == nil; i++ {
		out[i].Type.Name = d.str("profile type")
		out[i].Type.Unit = d.str("profile unit")
		d.outside = d.outside || out[i].Type.Name == "" || out[i].Type.Unit == ""
		m := d.count("samples", "Samples", left, 5)
		left -= m
		if m > 0 {
			out[i].Samples = d.samples(b, m)
		}
	}
	return out
}

func (d *columns) samples(b *tacho.Batch, n int) []tacho.Sample {
	out, v, w := take(&d.room.samples, n), d.longs(n), d.words(n)
	d.deltas("sample time", b.From, v)
	amiss := false
	for i, t := range v {
		out[i].Time = t
		amiss = amiss || t != 0 && (t < b.From || t >= b.Until)
	}
	d.deltas("sample value", 0, v)
	signs := int64(0)
	for i, x := range v {
		out[i].Value = x
		signs |= x
	}
	amiss = d.planes("sample stack", w) >= uint32(len(b.Stacks)) || signs < 0 || amiss
	for i := range out {
		out[i].Stack = w[i]
	}
	amiss = d.planes("sample thread", w) >= uint32(len(b.Threads)) || amiss
	for i := range out {
		out[i].Thread = w[i]
	}
	d.deltas("sample span", 0, v)
	for i := range out {
		out[i].Span = uint64(v[i])
	}
	d.outside = d.outside || amiss
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
		pts, v := make([]tacho.Point, m), d.longs(m)
		d.deltas("point time", from, v)
		for k := range pts {
			pts[k].Time = v[k]
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
	out, v := make([]tacho.Event, n), d.longs(n)
	d.deltas("event time", from, v)
	for i := range out {
		out[i].Time = v[i]
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
