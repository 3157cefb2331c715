package jvm

import (
	"reflect"
	"testing"
)

func TestMarkRoundTrip(t *testing.T) {
	m := mark{until: 1763775000123456789, sequence: 77, accounts: map[int64]account{5: {Start: 9, CPU: 1e9, Wait: 3}, 4000001: {Start: 1 << 40, CPU: 0, Wait: 1 << 50}}}
	got, err := decodeMark(m.encode())
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Fatalf("got %+v, %v; want %+v", got, err, m)
	}
	p := m.encode()
	for i := range p {
		if _, err := decodeMark(p[:i]); err == nil {
			t.Errorf("cut at %d of %d: no error", i, len(p))
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add(mark{until: 5, accounts: map[int64]account{1: {2, 3, 4, false}}}.encode())
	f.Fuzz(func(t *testing.T, p []byte) { decodeMark(p) })
}
