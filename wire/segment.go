package wire

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const segmentMagic = "TSPL\x01\x00\x00\x00"

var errDamaged = errors.New("what was written cannot be read back")

// segment is one file of the spool and the index of its batches.
type segment struct {
	seq   uint64
	name  string
	size  int64 // bytes up to the end of the last whole record
	index []batchRef
	f     File // nil when not open
}

// batchRef is where a batch is: 24 bytes each, so that a full spool of 1 GiB
// costs a few MiB of index.
type batchRef struct {
	id    uint64 // rising, with gaps where batches in between never got to the disk
	start int64  // of its record
	at    int64  // when it was appended
}

func segmentName(dir string, seq uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x.spool", seq))
}

func segmentSeq(name string) (uint64, bool) {
	hex, ok := strings.CutSuffix(name, ".spool")
	if !ok || len(hex) != 16 {
		return 0, false
	}
	seq, err := strconv.ParseUint(hex, 16, 64)
	return seq, err == nil
}

// pending is the index of the first batch with an id of at least head.
func (g *segment) pending(head uint64) int {
	i, _ := slices.BinarySearchFunc(g.index, head, func(r batchRef, id uint64) int { return cmp.Compare(r.id, id) })
	return i
}

// scan reads the segment from its start, calls visit for every whole record,
// and sets size to where they end. A damaged end is not an error.
func (g *segment) scan(visit func(kind byte, e entry, start int64)) (torn int64, err error) {
	size, err := g.f.Size()
	if err != nil {
		return 0, err
	}
	head := make([]byte, len(segmentMagic))
	if size < int64(len(head)) {
		return size, nil
	}
	if _, err := g.f.ReadAt(head, 0); err != nil {
		return 0, err
	}
	if string(head) != segmentMagic {
		return size, nil
	}
	g.size = int64(len(head))
	var buf []byte
	lens := make([]byte, recordHeader)
	for g.size+recordHeader < size {
		if _, err := g.f.ReadAt(lens, g.size); err != nil {
			return 0, err
		}
		n := recordHeader + int64(binary.LittleEndian.Uint32(lens))
		if n == recordHeader || n > size-g.size {
			break
		}
		if int64(cap(buf)) < n {
			buf = make([]byte, n)
		}
		if _, err := g.f.ReadAt(buf[:n], g.size); err != nil {
			return 0, err
		}
		e, kind, _, err := parseRecord(buf[:n])
		if err != nil {
			break
		}
		visit(kind, e, g.size)
		g.size += n
	}
	return size - g.size, nil
}

// read returns batch i of the index, in memory of its own.
func (g *segment) read(fs FS, i int) (entry, error) {
	if g.f == nil {
		f, err := fs.Open(g.name)
		if err != nil {
			return entry{}, err
		}
		g.f = f
	}
	start := g.index[i].start
	p := make([]byte, g.length(i))
	if _, err := g.f.ReadAt(p, start); err != nil {
		return entry{}, fmt.Errorf("read %s at %d: %w: %w", g.name, start, errDamaged, err)
	}
	e, _, _, err := parseRecord(p)
	if err != nil {
		return entry{}, fmt.Errorf("read %s at %d: %w: %w", g.name, start, errDamaged, err)
	}
	if len(e.batch) == 0 {
		return entry{}, fmt.Errorf("read %s at %d: %w: no batch where one was written", g.name, start, errDamaged)
	}
	e.id = g.index[i].id
	return e, nil
}

// length is the bytes from batch i to the next, marks between them included.
func (g *segment) length(i int) int {
	end := g.size
	if i+1 < len(g.index) {
		end = g.index[i+1].start
	}
	return int(end - g.index[i].start)
}

func (g *segment) close() {
	if g.f != nil {
		g.f.Close() // everything written is with the system already
		g.f = nil
	}
}
