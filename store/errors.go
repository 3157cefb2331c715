package store

import "fmt"

// RefusedError says that one batch of an Append call can never be stored:
// sending it again is useless. Nothing of the call was stored; the other
// batches may be sent again without it.
type RefusedError struct {
	Index int // of the batch in the call
	Err   error
}

func (e *RefusedError) Error() string { return fmt.Sprintf("batch %d refused: %v", e.Index, e.Err) }

func (e *RefusedError) Unwrap() error { return e.Err }

// MissingError is returned by Samples, Points and Events, whose answers have no
// place for it, after everything that could be read was visited: something
// could not.
type MissingError struct {
	Missing []string // human text, never empty
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%d parts could not be read, the first: %s", len(e.Missing), e.Missing[0])
}
