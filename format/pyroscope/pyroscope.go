// Package pyroscope reads the formats of Pyroscope's first ingest API that
// nothing else uses: format=tree, trie and lines. They come with their parameters
// (name, sampleRate, units) beside them, in Options, and cannot be told by their
// content from each other or from chance, so they are not in the list of format/all:
// who was told the format asks for Tree, Trie or Lines.
//
//	node   name length, name, own value, number of children, then the children
//	tree   a node, the root, without a name; a node's name is a frame
//	trie   a node; names along the way to a node, put together, are a stack as text:
//	       "main;handle;parse", root first
//	lines  a stack as text on each line, counting once
//
// Integers are unsigned LEB128. From Pyroscope's sources before version 1 (package
// tree and package transporttrie); today's server still takes them.
//
// The steps: read.go goes over the nodes as they come, keeping the way from the
// root; samples.go makes a sample of each node with a value of its own.
package pyroscope

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"tacho"
	"tacho/format"
)

// Tree reads format=tree.
func Tree() format.Decoder {
	return format.Decoder{Name: "tree", Title: "Pyroscope tree", Sniff: func(head []byte) bool { return sniffNodes(head, false) },
		Decode: func(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
			s := newSamples(ctx, "tree", o, emit)
			return s.finish(readNodes(s, r, treePath{}))
		}}
}

// Trie reads format=trie.
func Trie() format.Decoder {
	return format.Decoder{Name: "trie", Title: "Pyroscope trie", Sniff: func(head []byte) bool { return sniffNodes(head, true) },
		Decode: func(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
			s := newSamples(ctx, "trie", o, emit)
			return s.finish(readNodes(s, r, &triePath{}))
		}}
}

// Lines reads format=lines.
func Lines() format.Decoder {
	return format.Decoder{Name: "lines", Title: "stacks, one a line, counting once", Sniff: sniffLines,
		Decode: func(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
			s := newSamples(ctx, "lines", o, emit)
			lines := format.NewLines(ctx, "lines", r, o.Limits)
			for {
				line, ok := lines.Next()
				if !ok {
					return s.finish(lines.Err())
				}
				if line = bytes.TrimSpace(line); len(line) == 0 {
					continue
				}
				if err := s.text(line, 1, lines.Position()); err != nil {
					return s.finish(err)
				}
			}
		}}
}

// sniffLines: every line that fits has a semicolon and no control characters.
func sniffLines(head []byte) bool {
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 && len(head) == format.SniffLen {
		head = head[:i]
	}
	lines := 0
	for _, l := range bytes.Split(head, []byte("\n")) {
		if l = bytes.TrimSpace(l); len(l) == 0 {
			continue
		}
		if bytes.IndexByte(l, ';') <= 0 || bytes.ContainsFunc(l, func(r rune) bool { return r < ' ' && r != '\t' }) {
			return false
		}
		lines++
	}
	return lines > 0
}

func position(at int64) string { return fmt.Sprintf("byte %d", at) }
