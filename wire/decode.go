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
	s, err := split(p, lim)
	if err != nil {
		return nil, err
	}
	return s.decode(&tables{}, lim)
}

// sections are the two parts of an encoded batch, packed, and how long they are
// unpacked.
type sections struct {
	main, tables         []byte
	mainSize, tablesSize int
}

// split checks everything outside the sections.
func split(p []byte, lim Limits) (s sections, err error) {
	if len(p) > lim.Compressed {
		return s, limitError(0, "Compressed", uint64(len(p)), lim.Compressed)
	}
	if len(p) < minHeader {
		return s, &SyntaxError{Offset: int64(len(p)), Msg: "ends inside the header"}
	}
	if string(p[:3]) != magic[:3] {
		return s, &SyntaxError{Msg: "does not start with TBT"}
	}
	if p[3] != magic[3] {
		return s, &SyntaxError{Offset: 3, Msg: fmt.Sprintf("version %d is not known, only %d", p[3], magic[3])}
	}
	if got, want := crc32.Checksum(p[crcEnd:], castagnoli), binary.LittleEndian.Uint32(p[len(magic):]); got != want {
		return s, &SyntaxError{Offset: int64(len(magic)), Msg: fmt.Sprintf("checksum is %08x, the bytes give %08x", want, got)}
	}
	rest := p[mainAt:]
	n := binary.LittleEndian.Uint32(p[crcEnd:])
	if uint64(n) > uint64(len(rest)) {
		return s, &SyntaxError{Offset: int64(crcEnd), Msg: fmt.Sprintf("first section of %d bytes is longer than the %d bytes left", n, len(rest))}
	}
	s.main, s.tables = rest[:n], rest[n:]
	left := max(lim.Decompressed, 0)
	if s.mainSize, err = unpacked(s.main, mainAt, left, lim); err != nil {
		return s, err
	}
	s.tablesSize, err = unpacked(s.tables, mainAt+int(n), left-s.mainSize, lim)
	return s, err
}

// unpacked is how long a section at some offset says that it is.
func unpacked(block []byte, at, left int, lim Limits) (int, error) {
	v, n := binary.Uvarint(block)
	if n <= 0 {
		return 0, &SyntaxError{Offset: int64(at), Msg: "length of a section is not a varint"}
	}
	if v > uint64(left) {
		return 0, limitError(int64(at), "Decompressed", v+uint64(max(lim.Decompressed, 0)-left), lim.Decompressed)
	}
	return int(v), nil
}

// unpack unpacks a section into room, as that is as long as announced.
func unpack(room, block []byte, at int) ([]byte, error) {
	body, err := s2.Decode(room, block)
	if err != nil {
		return nil, &SyntaxError{Offset: int64(at), Msg: "body does not decompress: " + err.Error()}
	}
	return body, nil
}

// decode reads all of a batch.
func (s *sections) decode(room *tables, lim Limits) (*tacho.Batch, error) {
	b, amiss, err := s.readMain(room, lim)
	if err != nil {
		return nil, err
	}
	if err := s.readTables(b, amiss, room, lim); err != nil {
		return nil, err
	}
	b.StackHashes = nil // nobody needs them who has the stacks
	return b, nil
}

// readMain reads all but the tables. When amiss, one of the indexes or values is
// not what it should be.
func (s *sections) readMain(room *tables, lim Limits) (b *tacho.Batch, amiss bool, err error) {
	buf := scratch.Get().(*buffers)
	defer buf.release()
	buf.body = resize(buf.body, s.mainSize)
	p, err := unpack(buf.body, s.main, mainAt)
	if err != nil {
		return nil, false, err
	}
	return decodeMain(p, buf, room, lim)
}

// readTables reads the tables into b.
func (s *sections) readTables(b *tacho.Batch, amiss bool, room *tables, lim Limits) error {
	buf := scratch.Get().(*buffers)
	defer buf.release()
	room.body = resize(room.body, s.tablesSize)
	p, err := unpack(room.body, s.tables, mainAt+len(s.main))
	if err != nil {
		return err
	}
	return decodeTables(p, b, amiss, buf, room, lim)
}

// decodeMain reads the columns of the first section. The batch keeps nothing of p.
// Every index is held against its table as it is read.
func decodeMain(p []byte, buf *buffers, room *tables, lim Limits) (_ *tacho.Batch, amiss bool, _ error) {
	d := &columns{p: p, lim: lim, buf: buf, room: room}
	b := &tacho.Batch{}
	b.Collector = d.str("collector")
	b.From = d.varint("from")
	b.Until = b.From + d.varint("until")
	b.Sequence = d.uvarint("sequence")
	b.Target = d.labels("target")
	b.StackHashes = d.hashes()
	b.Threads = d.threads()
	b.Profiles = d.profiles(b)
	b.Series = d.series(b.From)
	b.Events = d.events(b.From)
	d.end("event")
	if d.err != nil {
		return nil, false, d.err
	}
	if err := b.ValidateHeader(); err != nil {
		return nil, false, &SyntaxError{Offset: int64(d.off), Body: true, Msg: err.Error()}
	}
	return b, d.outside, nil
}

// decodeTables reads the columns of the second section into b, or leaves b as it
// is. The strings of the batch are those in p. If the first section is amiss, or
// an index points outside its table, or anything else is wrong, Validate finds the
// words.
func decodeTables(p []byte, b *tacho.Batch, amiss bool, buf *buffers, room *tables, lim Limits) error {
	d := &columns{p: p, tables: true, lim: lim, buf: buf, room: room}
	c := *b
	c.Tables = nil
	c.Strings = d.strings()
	c.Frames = d.frames(uint32(len(c.Strings)))
	c.Stacks = d.stacks(uint32(len(c.Frames)))
	if len(c.Stacks) != len(b.StackHashes) {
		d.fail("%d stacks have %d hashes", len(c.Stacks), len(b.StackHashes))
	}
	d.end("stack")
	if d.err != nil {
		return d.err
	}
	if amiss || d.outside || len(c.Strings) == 0 || c.Strings[0] != "" {
		if err := c.Validate(); err != nil {
			return d.errorf("%s", err)
		}
	}
	b.Strings, b.Frames, b.Stacks = c.Strings, c.Frames, c.Stacks
	return nil
}

func (d *columns) hashes() []tacho.StackHash {
	n := d.count("stack hashes", "Stacks", d.lim.Stacks, len(tacho.StackHash{}))
	p := d.bytes("bytes of stack hashes", n*len(tacho.StackHash{}))
	if n == 0 || d.err != nil {
		return nil
	}
	out := take(&d.room.hashes, n)
	for i := range out {
		out[i] = tacho.StackHash(p[i*len(out[i]):])
	}
	return out
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
	amiss = d.planes("sample stack", w) >= uint32(len(b.StackHashes)) || signs < 0 || amiss
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
