package tacho

import (
	"crypto/sha256"
	"encoding/binary"
)

// StackHash stands for the content of a stack, whatever tables it is written
// with. It is the first 16 bytes of a SHA-256, as are the digests it is made of:
//
//	string  SHA-256 of its bytes
//	frame   SHA-256 of the digests of function, file and module, line (u32 LE)
//	        and kind (a byte): 53 bytes
//	stack   SHA-256 of the digests of its frames, leaf first
//
// Every digest is used in one place only, so none can be taken for another.
// Finding two stacks of one hash takes 2^64 steps, names chosen on purpose
// included.
type StackHash [16]byte

// StackHasher makes the hashes of a batch's stacks; each string and each frame is
// hashed once, and only if a stack has it. Limit: SHA-256 of 16 bytes a frame of
// a stack and a block a frame and a string. Not safe for concurrent use.
type StackHasher struct {
	b       *Batch
	strings []StackHash // zero: not made yet
	frames  []StackHash
	buf     []byte
	text    []byte
}

// Begin takes a batch, whose tables must not change meanwhile; nil lets go of it.
func (x *StackHasher) Begin(b *Batch) {
	x.b = b
	if b != nil {
		x.strings = zeros(x.strings, len(b.Strings))
		x.frames = zeros(x.frames, len(b.Frames))
	}
}

// Cap is how many strings and frames there is memory for.
func (x *StackHasher) Cap() int { return cap(x.strings) + cap(x.frames) }

func zeros(s []StackHash, n int) []StackHash {
	if cap(s) < n {
		return make([]StackHash, n)
	}
	clear(s[:n])
	return s[:n]
}

// Hash is the hash of a stack of frames of the batch. An index that points
// outside its table counts as zero: the batch is not checked here.
func (x *StackHasher) Hash(stack []uint32) StackHash {
	x.buf = x.buf[:0]
	for _, f := range stack {
		var h StackHash
		if int(f) < len(x.frames) {
			if h = x.frames[f]; h == (StackHash{}) {
				h = x.frame(&x.b.Frames[f])
				x.frames[f] = h
			}
		}
		x.buf = append(x.buf, h[:]...)
	}
	return digest(x.buf)
}

func (x *StackHasher) frame(r *FrameRef) StackHash {
	var p [3*16 + 4 + 1]byte
	for i, s := range [...]uint32{r.Function, r.File, r.Module} {
		if int(s) < len(x.strings) {
			h := &x.strings[s]
			if *h == (StackHash{}) {
				x.text = append(x.text[:0], x.b.Strings[s]...)
				*h = digest(x.text)
			}
			copy(p[16*i:], h[:])
		}
	}
	binary.LittleEndian.PutUint32(p[48:], uint32(r.Line))
	p[52] = byte(r.Kind)
	return digest(p[:])
}

func digest(p []byte) StackHash {
	h := sha256.Sum256(p)
	return StackHash(h[:16])
}
