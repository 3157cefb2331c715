package jfr

// interner keeps one copy of equal strings across the chunks of a recording, so
// that a chunk that names what the last one named allocates nothing. It starts
// over when full: what it handed out stays valid.
type interner struct {
	m     map[string]string
	bytes int
}

const (
	maxInterned      = 1 << 16
	maxInternedBytes = 16 << 20
)

func (n *interner) get(b []byte) string {
	if s, ok := n.m[string(b)]; ok {
		return s
	}
	if n.m == nil || len(n.m) >= maxInterned || n.bytes+len(b) > maxInternedBytes {
		n.m, n.bytes = map[string]string{}, 0
	}
	s := string(b)
	n.m[s] = s
	n.bytes += len(b)
	return s
}
