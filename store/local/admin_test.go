package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho"
	"tacho/store/local"
)

// everything stores something of every kind, and rolls most of it up.
func everything(t *testing.T, s *local.Store, c *clock) {
	t.Helper()
	for i := range 50 {
		at := noon.Add(time.Duration(i-50) * time.Hour)
		x := tacho.NewBuilder()
		for v := range int64(40) {
			x.Sample(tacho.CPU, tacho.Sample{Time: at.UnixNano() + v*1e9, Value: v + 1, Stack: x.Stack(tacho.Stack{{Function: fmt.Sprint("f", i, v)}, {Function: "main"}}), Thread: x.Thread(tacho.Thread{Name: "t"})})
		}
		x.Sample(tacho.CPU, tacho.Sample{Value: 5, Stack: x.Stack(tacho.Stack{{Function: "g"}}), Thread: x.Thread(tacho.Thread{Name: "u"})})
		x.Event(tacho.Event{Time: at.UnixNano(), Duration: int64(i%3) * 2 * int64(time.Hour), Kind: "gc"})
		x.Series(tacho.Series{Name: "heap", Points: []tacho.Point{{Time: at.UnixNano(), Value: 1.5}}})
		appendAll(t, s, x.Take(someTarget, "jvm", at.UnixNano(), at.UnixNano()+int64(time.Minute), 1))
	}
	c.t = noon.Add(time.Hour)
	roll(t, s)
}

const everythingSum = 50 * (40*41/2 + 5)

func damages(t *testing.T, o local.Options) (whole int64, found []string) {
	t.Helper()
	whole, err := local.Check(context.Background(), o, func(err error) { found = append(found, err.Error()) })
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return whole, found
}

func TestCheck(t *testing.T) {
	for _, kind := range "rmhHdDnNkwpeEtbyG" {
		t.Run(string(kind), func(t *testing.T) {
			fs, c := vfs.NewMem(), &clock{noon}
			s := open(t, fs, c.now)
			everything(t, s, c)
			keys := s.Keys(t)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			o := local.Options{Dir: "store", FS: fs}
			if whole, found := damages(t, o); len(found) > 0 || whole < int64(keys) {
				t.Fatalf("%d of %d values are whole, found %v", whole, keys, found)
			}
			s = open(t, fs, c.now)
			cut := 0
			n := s.Damage(t, byte(kind), func(val []byte) []byte {
				if cut++; cut > 1 {
					return val
				}
				return append([]byte{0xff, 0xff}, val[:len(val)/2]...)
			})
			if n == 0 {
				t.Fatal("nothing to damage")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, found := damages(t, o)
			all := strings.Join(found, "\n")
			if len(found) == 0 || !strings.Contains(all, "key "+string(kind)+"/") || !strings.Contains(all, "is damaged at offset") {
				t.Errorf("found %q, want the key and the offset", all)
			}
		})
	}
}

// TestCheckFile: a table with a bad block is named, and what is behind it is
// still read.
func TestCheckFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	c := &clock{noon}
	o := local.Options{Dir: dir, Now: c.now, RollEvery: -1, WatchEvery: -1, MinFree: 1}
	s, err := local.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	everything(t, s, c)
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Check(context.Background(), o, func(error) {}); err == nil || !strings.Contains(err.Error(), "lock") && !strings.Contains(err.Error(), "in use") {
		t.Errorf("check of an open store: %v, want that it is in use", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, _ := damages(t, o)
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		b[1000+i] ^= 0xff
	}
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	after, found := damages(t, o)
	if len(found) == 0 || !strings.Contains(found[0], strings.TrimSuffix(filepath.Base(files[0]), ".sst")) {
		t.Errorf("found %q, want the table %s", found, files[0])
	}
	t.Logf("%d values before, %d after; %s", before, after, found)
}

func TestBackupAndRestore(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon}
	s := open(t, fs, c.now)
	everything(t, s, c)
	o := local.Options{Dir: "store", FS: fs, Now: c.now, RollEvery: -1}
	if err := local.Backup(o, "backup"); err == nil {
		t.Error("an open store was backed up")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := local.Backup(o, "backup"); err != nil {
		t.Fatal(err)
	}
	if err := local.Backup(o, "backup"); err == nil {
		t.Error("a backup was overwritten")
	}
	// What comes after the backup is not in it.
	s = open(t, fs, c.now)
	appendAll(t, s, batchOf(noon, 77, false, "late", 1000000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := local.Restore(context.Background(), o, "backup"); err == nil {
		t.Error("a store was overwritten")
	}
	if err := local.Restore(context.Background(), o, "nowhere"); err == nil {
		t.Error("a store was made from nothing")
	}
	o.Dir = "other"
	if err := local.Restore(context.Background(), o, "backup"); err != nil {
		t.Fatal(err)
	}
	if whole, found := damages(t, o); whole == 0 || len(found) > 0 {
		t.Errorf("%d whole values, damaged %v", whole, found)
	}
	s, err := local.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := total(t, s, noon.Add(-72*time.Hour), noon.Add(time.Hour)); got != everythingSum {
		t.Errorf("restored it sums to %d, want %d", got, everythingSum)
	}
}

func TestInspect(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon}
	s := open(t, fs, c.now)
	everything(t, s, c)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := local.Inspect(context.Background(), local.Options{Dir: "store", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	if got.Services != 1 || got.Targets != 1 || !got.OldestDay.Equal(noon.Add(-60*time.Hour)) || !got.NewestDay.Equal(noon.Add(-12*time.Hour)) || got.DiskBytes == 0 {
		t.Errorf("contents %+v", got)
	}
	keys := map[string]int64{}
	for _, k := range got.Kinds {
		keys[k.Name] = k.Keys
	}
	if keys["points"] != 50 || keys["manifests of batches"] != 50 || keys["timed samples"] == 0 || keys["minutes"] != 100 {
		t.Errorf("keys %v", keys)
	}
	if _, err := local.Inspect(context.Background(), local.Options{Dir: "nowhere", FS: fs}); err == nil || !strings.Contains(err.Error(), "no store in nowhere") {
		t.Errorf("of nothing: %v", err)
	}
}
