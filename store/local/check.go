package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"tacho"
)

// Check reads everything in the store of opt.Dir, which nobody may have open,
// and reports what is damaged: the key and the offset in its value, or what
// Pebble says of a file. It returns how many values are whole.
//
//  1. The dictionaries, as opening the store would.
//  2. The tries, chunk by chunk; blocks refer to their stacks.
//  3. Every other key, by the decoder of its kind.
func Check(ctx context.Context, opt Options, report func(error)) (whole int64, err error) {
	s, err := readOnly(opt)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	c := &checker{s: s, ctx: ctx, report: report, stacks: map[trieID]int{}, sums: make([]int64, 1)}
	if err := s.loadAll(); err != nil {
		report(fmt.Errorf("dictionaries: %w", err))
	}
	if c.edges, err = s.tableEdges(); err != nil {
		return 0, err
	}
	if err := c.tries(); err != nil {
		return c.whole, err
	}
	return c.whole, c.pass(key{0}, key{0xff}, func(k, val []byte) error {
		if k[0] == kindTrie {
			return nil
		}
		return c.value(k, val)
	})
}

// readOnly opens the files without changing any.
func readOnly(opt Options) (*Store, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := opt.exists(); err != nil {
		return nil, err
	}
	s := &Store{opt: opt, log: opt.Log, health: newHealth(), byName: map[[2]string]*service{}, byID: map[uint32]*service{}}
	o := s.pebbleOptions()
	o.FS, o.ReadOnly, o.ErrorIfNotExists = opt.FS, true, true
	if s.db, err = pebble.Open(opt.Dir, o); err != nil {
		return nil, openError(opt.Dir, err)
	}
	return s, nil
}

// exists says whether there is a store to open.
func (o Options) exists() error {
	list, err := o.FS.List(o.Dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !slices.ContainsFunc(list, func(n string) bool { return strings.HasPrefix(n, "MANIFEST-") }) {
		return fmt.Errorf("there is no store in %s", o.Dir)
	}
	return err
}

// openError says what to do about a store that cannot be opened.
func openError(dir string, err error) error {
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("the store in %s is in use by another process; stop that first: %w", dir, err)
	}
	return fmt.Errorf("open store in %s: %w", dir, err)
}

type trieID struct {
	svc   uint32
	epoch uint16
}

type checker struct {
	s      *Store
	ctx    context.Context
	report func(error)
	edges  [][]byte // keys at which tables begin or end, in order
	stacks map[trieID]int
	raw    rawBlock
	sums   []int64
	whole  int64
}

// tableEdges is where reading can go on behind a file that cannot be read.
func (s *Store) tableEdges() (edges [][]byte, err error) {
	levels, err := s.db.SSTables()
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	for _, level := range levels {
		for i := range level {
			edges = append(edges, bytes.Clone(level[i].Smallest.UserKey), bytes.Clone(level[i].Largest.UserKey))
		}
	}
	slices.SortFunc(edges, bytes.Compare)
	return edges, nil
}

// pass visits all keys of a range. What cannot be read is reported, and passed
// over up to where the next table begins or ends.
func (c *checker) pass(from, until key, visit func(k, val []byte) error) error {
	it, err := c.s.db.NewIter(&pebble.IterOptions{UpperBound: until})
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	defer func() { _ = it.Close() }() // its errors are reported below
	at := []byte(from)
	ok := it.SeekGE(at)
	for {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if ok {
			at = append(at[:0:0], it.Key()...)
			val, err := it.ValueAndErr()
			if err == nil {
				err = visit(at, val)
			}
			if err != nil {
				c.report(err)
			} else {
				c.whole++
			}
			ok = it.Next()
			continue
		}
		if it.Error() == nil {
			return nil
		}
		c.report(fmt.Errorf("behind %s: %w", keyName(at), it.Error()))
		i, _ := slices.BinarySearchFunc(c.edges, append(bytes.Clone(at), 0), bytes.Compare)
		if i == len(c.edges) {
			return nil
		}
		at = c.edges[i]
		ok = it.SeekGE(at)
	}
}

// tries reads all tries, and keeps how many stacks each has.
func (c *checker) tries() error {
	var id trieID
	var t *trie
	return c.pass(newKey(kindTrie), newKey(kindTrie).after(), func(k, val []byte) error {
		if len(k) != 11 {
			return badKey(k)
		}
		if next := (trieID{binary.BigEndian.Uint32(k[1:]), binary.BigEndian.Uint16(k[5:])}); t == nil || next != id {
			id, t = next, newTrie(next.epoch)
		}
		err := t.addChunk(k, val)
		c.stacks[id] = len(t.all.Leaf)
		return err
	})
}

// value decodes one value.
func (c *checker) value(k, val []byte) error {
	r := &reader{key: k, b: val}
	want, ok := keyLengths[k[0]]
	if !ok || len(k) != want && !(k[0] == kindMinute && len(k) == want+6) && !(k[0] == kindManifest && len(k) > want) && want != 0 {
		return badKey(k)
	}
	switch k[0] {
	case kindMark:
		r.uvarint()
		r.varint()
		return r.end()
	case kindManifest:
		_, err := readManifest(k, val)
		return err
	case kindWindow:
		_, err := readWindow(k, val)
		return err
	case kindCount, kindCountAll:
		_, err := readCountRow(k, val)
		return err
	case kindCover:
		_, err := readCover(k, val)
		return err
	case kindRaw:
		return c.raw.decode(k, val, c.stacksOf(k), wantAll)
	case kindMinute:
		if f, ok := parseMinuteKey(k); !ok {
			return badKey(k)
		} else if f.src != srcSealed {
			k = k[:len(k)-6]
		}
		return c.tokens(r.key, k, val)
	case kindHour, kindHourAll, kindDay, kindDayAll:
		return c.tokens(k, k, val)
	case kindPoints:
		start := int64(binary.BigEndian.Uint32(k[1:])) * hourNanos
		return readPoints(k, val, start, c.def(k), func(*pointDef) bool { return true }, func(*pointDef, []tacho.Point) {})
	case kindEvents:
		_, err := readEvents(k, val, int64(binary.BigEndian.Uint32(k[1:]))*hourNanos, hourNanos)
		return err
	case kindLong:
		_, err := readEvents(k, val, int64(binary.BigEndian.Uint32(k[1:]))*dayNanos, dayNanos)
		return err
	}
	return nil // dictionaries were read by loadAll
}

// keyLengths is the length of the keys of each kind, without the collector of a
// manifest and the batch number of a minute; 0 = any.
var keyLengths = map[byte]int{
	kindMeta: 0, kindService: 5, kindType: 7, kindTarget: 9, kindSeen: 9, kindSeries: 9, kindPointDef: 9, kindState: 5, kindEpoch: 7,
	kindTrie: 11, kindMark: 10, kindManifest: 29, kindWindow: 19, kindRaw: 24, kindMinute: 20, kindHour: 18, kindHourAll: 14,
	kindDay: 17, kindDayAll: 13, kindCount: 16, kindCountAll: 12, kindCover: 16, kindPoints: 19, kindEvents: 27, kindLong: 27,
}

// stacksOf is how many stacks there are in the trie a block's key ends with.
func (c *checker) stacksOf(k []byte) int {
	return c.stacks[trieID{binary.BigEndian.Uint32(k[5:]), binary.BigEndian.Uint16(k[len(k)-2:])}]
}

func (c *checker) tokens(name, k, val []byte) error {
	n := c.stacksOf(k)
	c.sums = slices.Grow(c.sums[:0], n)[:n]
	return addTokens(c.sums, name, val)
}

func (c *checker) def(k []byte) func(uint32) (pointDef, bool) {
	v := c.s.byID[binary.BigEndian.Uint32(k[5:])]
	return func(id uint32) (pointDef, bool) {
		if v == nil || int(id) >= len(v.defs) {
			return pointDef{}, false
		}
		return v.defs[id], true
	}
}
