package symbol

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tacho"
)

// TestResolveLoaded: what is on its way in never waits for a disk, and what comes
// later has the names.
func TestResolveLoaded(t *testing.T) {
	s := open(t)
	frame := tacho.AddressFrame("/opt/prog", "ab", 0x115, tacho.KindNative)
	batch := func() *tacho.Batch {
		x := tacho.NewBuilder()
		x.Sample(tacho.CPU, tacho.Sample{Value: 1, Stack: x.Stack(tacho.Stack{frame}), Thread: x.Thread(tacho.Thread{})})
		x.Stack(tacho.Stack{tacho.AddressFrame("/opt/prog", "strange", 0x115, tacho.KindNative)})
		return x.Take(tacho.NewLabels(map[string]string{tacho.LabelService: "s", tacho.LabelInstance: "i"}), "x", 1, 2, 0)
	}
	b := batch()
	if r, u := s.ResolveLoaded(b); r+u != 0 {
		t.Errorf("without files: %d resolved, %d unknown", r, u)
	}
	f, err := s.keep(made("ab"), "prog")
	if err != nil || f.Functions != 2 {
		t.Fatalf("%+v, %v", f, err)
	}
	// The index cannot be read for now, as with a disk that hangs.
	path := filepath.Join(s.o.Dir, "ab"+suffix)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if r, u := s.ResolveLoaded(batch()); r != 0 || u != 2 {
		t.Errorf("not loaded: %d resolved, %d unknown, want 0 and 2", r, u)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		b = batch()
		shared := *b // another batch of the same input
		if r, _ := s.ResolveLoaded(b); r == 1 {
			if got := shared.Stack(0); len(got) != 1 || got[0] != frame {
				t.Errorf("a batch that shares the tables was changed: %+v", got)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal("the background work names nothing")
		}
	}
	if err := b.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := b.Stack(0); len(got) != 2 || got[0].Function != "g" || got[1].Function != "f" {
		t.Errorf("got %+v", got)
	}
	gen := s.Generation()
	names := s.Names([]tacho.Frame{{Function: "main"}, frame})
	if names[0] != nil || len(names[1]) != 2 || s.Generation() != gen {
		t.Errorf("names %+v", names)
	}
	if ok, err := s.Delete("ab"); !ok || err != nil || s.Generation() == gen {
		t.Errorf("delete: %t, %v, generation %d after %d", ok, err, s.Generation(), gen)
	}
	if err := s.Close(); err != nil || s.Close() != nil {
		t.Error("closing twice")
	}
}
