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
