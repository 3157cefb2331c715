package jvm

import (
	"maps"
	"sync"

	"tacho/record"
)

// statusBox is a status that a session writes and anybody reads.
type statusBox struct {
	mu sync.Mutex
	st record.Status
}

func (b *statusBox) set(f func(*record.Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.st)
}

func (b *statusBox) get() record.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := b.st
	st.Counters, st.Labels = maps.Clone(st.Counters), maps.Clone(st.Labels)
	return st
}
