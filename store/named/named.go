// Package named is a store that shows names where another one keeps addresses.
// Programs are often profiled before their debug files come, or without anybody
// thinking of them: what is stored stays as it came, and gets its names when it
// is asked for.
//
// The steps:
//
//  1. Every question that has tries of calls in its answer (Merge, CountsOf,
//     Samples) goes to the store behind; all others go there directly.
//  2. A trie's address frames (tacho.Frame.Address) are looked up, and the trie is
//     written anew: a node for each call at the address, the inlined ones
//     included (tree.go). Stack ids stay, so that sums and samples stay what
//     they are. A trie of which nothing can be named is handed on as it is.
//  3. What was written is kept for the tries asked about last, and grows with
//     them; new or deleted symbols begin it anew.
package named

import (
	"context"
	"sync"
	"time"

	"tacho"
	"tacho/store"
)

// Names knows what is at addresses: symbol.Store.
type Names interface {
	// Generation changes whenever an answer of Names may differ from before.
	Generation() int
	// Names are the calls at each frame, leaf first, nil where it stays what it is.
	Names(frames []tacho.Frame) []tacho.Stack
}

// New shows st with names. Closing it closes st.
func New(st store.Store, names Names) store.Store {
	return &named{Store: st, names: names}
}

type named struct {
	store.Store
	names Names

	mu   sync.Mutex
	list []*tree // last used first
}

// maxTrees bounds how many tries are kept with their names, as query does with
// its folds of them.
const maxTrees = 8

func (s *named) Merge(ctx context.Context, sel store.Selection) (*store.Merged, error) {
	m, err := s.Store.Merge(ctx, sel)
	if m != nil {
		for i := range m.Parts {
			m.Parts[i].Tree = s.of(m.Parts[i].Tree)
		}
	}
	return m, err
}

func (s *named) CountsOf(ctx context.Context, sel store.Selection, step time.Duration, keep func(*store.Tree) []bool) (*store.Counts, error) {
	return s.Store.CountsOf(ctx, sel, step, func(t *store.Tree) []bool { return keep(s.of(t)) })
}

func (s *named) Samples(ctx context.Context, sel store.Selection, visit func(*store.SampleBlock) error) error {
	return s.Store.Samples(ctx, sel, func(b *store.SampleBlock) error {
		x := *b
		x.Tree = s.of(b.Tree)
		return visit(&x)
	})
}

// of is the trie with names. Snapshots of one trie share their first Parent
// element, which serves as its identity; so do the answers, until the symbols
// change.
func (s *named) of(t *store.Tree) *store.Tree {
	if t == nil || len(t.Parent) == 0 {
		return t
	}
	gen := s.names.Generation() // before the names: newer ones are asked for again
	id := &t.Parent[0]
	s.mu.Lock()
	at := -1
	for i, have := range s.list {
		if have.id == id {
			at = i
			break
		}
	}
	var e *tree
	if at >= 0 {
		e = s.list[at]
		copy(s.list[1:at+1], s.list[:at])
	} else {
		if len(s.list) < maxTrees {
			s.list = append(s.list, nil)
		}
		copy(s.list[1:], s.list)
	}
	if e == nil || e.gen != gen {
		e = &tree{id: id, gen: gen}
	}
	s.list[0] = e
	s.mu.Unlock()
	return e.extend(t, s.names)
}
