package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"tacho"
)

// What a lazy Reader returns is, once it is loaded, what a Reader returns, as often
// as it is loaded, and its hashes are those of its stacks.
func TestLazyIsEager(t *testing.T) {
	var body bytes.Buffer
	w, want := NewWriter(&body), []string{}
	for seed := range uint64(200) {
		b := random(rand.New(rand.NewPCG(seed, 5)))
		want = append(want, dump(b))
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	r := NewLazyReader(body.Bytes(), DefaultLimits())
	var x tacho.StackHasher
	for i := range want {
		b, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b.Strings != nil || b.Frames != nil || b.Stacks != nil || b.Tables.Bytes() == 0 {
			t.Fatalf("batch %d came with tables", i)
		}
		for range 2 {
			if err := b.Load(); err != nil {
				t.Fatal(err)
			}
			x.Begin(b)
			for k := range b.Stacks {
				if x.Hash(b.Stacks[k]) != b.StackHashes[k] {
					t.Fatalf("batch %d stack %d has another hash", i, k)
				}
			}
			c := *b
			c.Tables, c.StackHashes = nil, nil
			if dump(&c) != want[i] {
				t.Fatalf("batch %d:\n in %s\nout %s", i, want[i], dump(&c))
			}
			b.Unload()
			if b.Strings != nil || b.Frames != nil || b.Stacks != nil {
				t.Fatalf("batch %d still has tables", i)
			}
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatal(err)
	}
	r.Release()
}

// The tables are not looked at before they are needed; what is wrong with them is
// said then, with its place, and nothing is set.
func TestLazyErrorsComeWithTheirPlace(t *testing.T) {
	main, tabs := bodies(numbered(1))
	bad := bytes.Clone(tabs)
	bad[1] = 9 // planes of the lengths of strings
	body := AppendFramed(AppendFramed(nil, Encode(nil, numbered(0))), seal(main, bad))
	at := len(body) - len(seal(main, bad))
	r := NewLazyReader(body, DefaultLimits())
	var last *tacho.Batch
	for range 2 {
		b, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		last = b
	}
	err := last.Load()
	var se *SyntaxError
	if !errors.As(err, &se) || se.At != int64(at) || !se.Tables || se.Offset != 1 || last.Strings != nil {
		t.Fatalf("got %v", err)
	}
	if err := last.Validate(); !errors.As(err, &se) {
		t.Fatalf("Validate says %v", err)
	}

	// An index of the first section is held against the hashes at once.
	b := numbered(1)
	b.Profiles[0].Samples[0].Stack = 1
	_, err = NewLazyReader(AppendFramed(nil, Encode(nil, b)), DefaultLimits()).Next()
	if !errors.As(err, &se) || se.Msg != "batch cpu sample 0: stack index 1 out of 1" {
		t.Fatalf("got %v", err)
	}
}

// The sections' sizes count together, before anything is unpacked.
func TestLazyLimits(t *testing.T) {
	main, tabs := bodies(numbered(1))
	body := AppendFramed(nil, Encode(nil, numbered(1)))
	for name, set := range map[string]func(*Limits){
		"Decompressed": func(l *Limits) { l.Decompressed = len(main) + len(tabs) - 1 },
		"Stream":       func(l *Limits) { l.Stream = len(main) + len(tabs) - 1 },
		"Stacks":       func(l *Limits) { l.Stacks = 0 },
	} {
		lim := DefaultLimits()
		set(&lim)
		var se *SyntaxError
		if _, err := NewLazyReader(body, lim).Next(); !errors.As(err, &se) || se.Limit != name {
			t.Errorf("limit %s: got %v", name, err)
		}
	}
}
