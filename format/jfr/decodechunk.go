package jfr

// one decodes a chunk and returns how many bytes it has, 0 when what follows it
// cannot be found. live says that the JVM had not finished it.
func (d *decoder) one(h header, live bool) (int64, error) {
	limit := d.chunk.opt.Limits.MaxChunk
	size := h.size
	if live && h.metadata == 0 {
		size = limit // never flushed: there may be events all the same
	}
	switch {
	case size < headerSize:
		d.bad(8, "chunk size %d is less than its header", size)
		return 0, nil
	case size > limit:
		d.bad(8, "chunk of %d bytes is larger than the limit of %d", size, limit)
		if d.first.Offset == d.base+8 { // the first thing that is wrong
			d.first.Limit = limit
		}
		return 0, nil
	}
	if d.sum.Start == 0 {
		d.sum.Start = h.clock.startNanos
	}
	d.sum.End = h.clock.startNanos + h.duration
	src, have, err := d.in.open(size)
	if err != nil {
		return 0, err
	}
	end := min(size, have)
	if err := d.contents(h, src, end); err != nil {
		return 0, err
	}
	switch {
	case live:
		d.lost(end)
	case have < size:
		d.bad(have, "recording ends inside a chunk of %d bytes", size)
	}
	if have < size {
		return 0, nil
	}
	return size, nil
}

// contents reads a chunk's types, then all its constants, then its events.
func (d *decoder) contents(h header, src source, end int64) error {
	c := d.chunk
	c.reset()
	c.clock = h.clock
	// From its start, so that a chunk that fits into the window is read once.
	if _, err := src.view(headerSize, int(min(end-headerSize, 1))); err != nil && readFailure(err) != nil {
		return err
	}
	points, broken := chain(src, h.checkpoint, headerSize, end, h.fixed())
	if err := readFailure(broken); err != nil {
		return err
	}
	event, err := wholeEvent(src, h.metadata, end, h.fixed(), typeMetadata)
	if err == nil {
		err = c.setMetadata(event, h.fixed(), false)
	}
	if err != nil || broken != nil || len(points) == 0 {
		// The header's offsets lead nowhere, as in a recording that was cut: look
		// for what is there.
		found, meta, _ := sweep(src, headerSize, end, h.fixed())
		if len(found) > len(points) {
			points = found
		}
		if err != nil && meta.size > 0 && meta.off != h.metadata {
			if event, err = wholeEvent(src, meta.off, end, h.fixed(), typeMetadata); err == nil {
				err = c.setMetadata(event, h.fixed(), false)
			}
		}
	}
	whole := h.size <= end
	if err != nil {
		if whole || h.metadata < end && !isCut(err) {
			d.bad(h.metadata, "%v", err)
		}
		d.lost(headerSize) // without types nothing can be read
		return readFailure(err)
	}
	if broken != nil && whole {
		d.bad(h.checkpoint, "%v", broken)
	}
	for _, p := range points {
		b, err := src.view(p.off, int(p.size))
		if failed := readFailure(err); failed != nil {
			return failed
		}
		if err != nil { // the file shrank
			d.bad(p.off, "%v", err)
			continue
		}
		if pos, err := c.addCheckpoint(b[:p.size]); err != nil {
			d.bad(p.off+int64(pos), "%v", err)
		}
	}
	damaged := d.v.damaged
	pos, syntax, err := c.deliver(d.ctx, src, headerSize, end, &d.v)
	if d.v.damaged > damaged {
		d.bad(d.v.badAt, "%v", errEventMalformed)
	}
	if syntax != nil && (whole || !isCut(syntax)) {
		d.bad(pos, "%v", syntax)
	} else if pos < end {
		d.lost(pos)
	}
	return err
}
