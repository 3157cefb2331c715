package local

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// What tests of the outside need of the inside.

// SmallManifests makes every flush begin a new manifest.
func SmallManifests(o *Options) { o.manifestSize = 1 }

// LittleMemory makes hours and days be summed in pieces of so many bytes.
func LittleMemory(o *Options, n int) { o.sumBytes = n }

// Keys counts all keys.
func (s *Store) Keys(t *testing.T) (n int) {
	t.Helper()
	for range s.dump(t, nil) {
		n++
	}
	return n
}

// dump is all keys of the kinds (nil = all) and their values.
func (s *Store) dump(t *testing.T, kinds []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	it, err := s.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if kinds == nil || bytes.IndexByte(kinds, it.Key()[0]) >= 0 {
			out[string(it.Key())] = string(it.Value())
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Damage replaces the values of all keys of a kind, and says how many.
func (s *Store) Damage(t *testing.T, kind byte, change func(val []byte) []byte) (n int) {
	t.Helper()
	for k, v := range s.dump(t, []byte{kind}) {
		if err := s.db.Set([]byte(k), change([]byte(v)), pebble.Sync); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// Rollups is everything the roller makes.
func (s *Store) Rollups(t *testing.T) map[string]string {
	out := s.dump(t, []byte{kindHour, kindHourAll, kindDay, kindDayAll, kindCount, kindCountAll, kindCover})
	for k, v := range s.dump(t, []byte{kindMinute}) {
		if f, ok := parseMinuteKey([]byte(k)); ok && f.src == srcSealed {
			out[k] = v
		}
	}
	return out
}

// MarkAll marks everything anew, as if all data had just come.
func (s *Store) MarkAll(t *testing.T, units map[uint8][]uint32) {
	t.Helper()
	for _, v := range s.services() {
		for level, list := range units {
			for _, u := range list {
				if err := s.db.Set(markKey(v.id, level, u), markValue(s.token.Add(1), s.now()), pebble.Sync); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// Data is all keys and values but those that say what has yet to be rolled up, whose
// numbers depend on the order of map entries.
func (s *Store) Data(t *testing.T) map[string]string {
	t.Helper()
	out := s.dump(t, nil)
	for k := range out {
		if k[0] == kindMark || k[0] == kindMeta {
			delete(out, k)
		}
	}
	return out
}
