package format

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
)

// Lines reads the lines of a text input, without their ends (\n or \r\n). The
// bytes are valid until the next line.
type Lines struct {
	Number int // of the line read last, from 1 on

	name string
	ctx  context.Context
	r    *bufio.Reader
	max  int
	long []byte // a line longer than the reader's buffer
	err  error
}

// NewLines reads lines for the decoder of that name.
func NewLines(ctx context.Context, name string, r io.Reader, l Limits) *Lines {
	return &Lines{name: name, ctx: ctx, r: bufio.NewReaderSize(r, 64<<10), max: l.Filled().LineLen}
}

// Next is the next line; false at the end and after an error.
func (s *Lines) Next() ([]byte, bool) {
	if s.err != nil {
		return nil, false
	}
	if s.Number&1023 == 0 {
		if s.err = s.ctx.Err(); s.err != nil {
			return nil, false
		}
	}
	line, err := s.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = s.longer(line)
	}
	if len(line) > s.max {
		s.Number++
		s.err = &LimitError{Format: s.name, Limit: LimitLineLen, Max: int64(s.max), Position: s.Position()}
		return nil, false
	}
	if err != nil {
		s.err = err
		if len(line) == 0 || err != io.EOF {
			return nil, false
		}
	}
	s.Number++
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), true
}

// longer gathers a line larger than the buffer, up to just above the limit.
func (s *Lines) longer(part []byte) ([]byte, error) {
	s.long = append(s.long[:0], part...)
	for {
		part, err := s.r.ReadSlice('\n')
		s.long = append(s.long, part...)
		if err != bufio.ErrBufferFull || len(s.long) > s.max {
			return s.long, err
		}
	}
}

// Position is that of the line read last, as errors and warnings have it.
func (s *Lines) Position() string { return fmt.Sprintf("line %d", s.Number) }

// Err is why Next ended, nil at the end of the input.
func (s *Lines) Err() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}
