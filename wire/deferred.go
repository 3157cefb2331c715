package wire

import "tacho"

// deferred is the tables of a batch that a lazy Reader has returned.
type deferred struct {
	sections
	at   int64 // of the batch in its stream
	lim  Limits
	room *tables // while they are loaded
}

func (x *deferred) Load(b *tacho.Batch) error {
	room := spare.Get().(*tables)
	if err := x.readTables(b, false, room, x.lim); err != nil {
		room.release()
		return placed(err, x.at)
	}
	x.room = room
	return nil
}

func (x *deferred) Unload(b *tacho.Batch) {
	b.Strings, b.Frames, b.Stacks = nil, nil, nil
	if x.room != nil {
		x.room.release()
		x.room = nil
	}
}

func (x *deferred) Bytes() int { return len(x.main) + len(x.tables) }
