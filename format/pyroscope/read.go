package pyroscope

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"

	"tacho/format"
)

// A path is the way from the root to the node being read.
type path interface {
	// enter goes down to a node and says whether it can be a stack.
	enter(s *samples, name []byte, at int64) error
	// leave goes back up from it.
	leave(s *samples)
	// sample adds the node's own value.
	sample(s *samples, value uint64, at int64) error
}

// readNodes reads one tree of nodes.
func readNodes(s *samples, r io.Reader, p path) error {
	in := &counted{r: bufio.NewReaderSize(r, 64<<10)}
	var open []uint64 // children still to come of each node on the way
	var name []byte
	for first := true; first || len(open) > 0; first = false {
		at := in.n
		size, err := binary.ReadUvarint(in)
		if err != nil {
			return in.explain(s, err)
		}
		if size > uint64(s.e.Limits.StringLen) {
			return s.e.Limit(format.LimitStringLen, int64(s.e.Limits.StringLen), position(at))
		}
		if uint64(cap(name)) < size {
			name = make([]byte, size)
		}
		name = name[:size]
		if err := in.full(name); err != nil {
			return in.explain(s, err)
		}
		value, err := binary.ReadUvarint(in)
		if err != nil {
			return in.explain(s, err)
		}
		children, err := binary.ReadUvarint(in)
		if err != nil {
			return in.explain(s, err)
		}
		if err := p.enter(s, name, at); err != nil {
			return err
		}
		if value > 0 {
			if err := p.sample(s, value, at); err != nil {
				return err
			}
		}
		if len(open) > maxDepth {
			return s.e.Syntax(position(at), "nodes nested deeper than a stack of any program", nil)
		}
		open = append(open, children)
		for len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
			p.leave(s)
		}
		if len(open) > 0 {
			open[len(open)-1]--
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	if _, err := in.ReadByte(); err == nil {
		s.e.Warn.Add(position(in.n-1), "bytes behind the last node are left out")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// maxDepth is of nodes. A trie has at most one for each byte of a stack's text.
const maxDepth = 1 << 18

// counted knows how far it has read.
type counted struct {
	r *bufio.Reader
	n int64
}

func (c *counted) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *counted) full(b []byte) error {
	n, err := io.ReadFull(c.r, b)
	c.n += int64(n)
	return err
}

var errOverflow = errors.New("an integer of more than 64 bits")

// explain tells the end of the input, and what is none of its integers, from a
// failure to read it.
func (c *counted) explain(s *samples, err error) error {
	var limit *format.LimitError
	var syntax *format.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return s.e.Syntax(position(c.n), "the input ends inside a node", nil)
	case errors.As(err, &limit), errors.As(err, &syntax):
		return err
	case err.Error() == "binary: varint overflows a 64-bit integer":
		return s.e.Syntax(position(c.n), "malformed", errOverflow)
	}
	return err
}

// sniffNodes reads nodes as far as the head goes: names have to be text, the
// root's is empty; a trie's have semicolons in them, a tree's have none.
func sniffNodes(head []byte, trie bool) bool {
	if len(head) < 3 || head[0] != 0 || head[1] != 0 || head[2] == 0 {
		return false
	}
	whole := len(head) < format.SniffLen
	left := uint64(1)
	semicolons, names := 0, 0
	for b := head; left > 0; left-- {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return !whole && (semicolons > 0) == trie && names > 0
		}
		name := b[n : n+int(size)]
		if !utf8.Valid(name) && !trie {
			return false
		}
		for _, c := range name {
			if c < ' ' {
				return false
			}
			if c == ';' {
				semicolons++
			}
		}
		if size > 0 {
			names++
		}
		b = b[n+int(size):]
		_, n = binary.Uvarint(b)
		if n <= 0 {
			return !whole && (semicolons > 0) == trie && names > 0
		}
		b = b[n:]
		children, n := binary.Uvarint(b)
		if n <= 0 || children > 1<<32 {
			return !whole && children <= 1<<32 && (semicolons > 0) == trie && names > 0
		}
		b = b[n:]
		left += children
		if len(b) == 0 && left > 1 && !whole {
			break
		}
	}
	return names > 0 && (semicolons > 0) == trie
}
