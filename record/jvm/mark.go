package jvm

import (
	"encoding/binary"
	"errors"
	"slices"
)

// A mark is where a killed agent's successor goes on: everything before Until
// has been handed over, and the threads had been billed this much by then.
//
//	version uvarint (1) · until varint · sequence uvarint · count uvarint ·
//	count × (tid delta uvarint, start uvarint, cpu uvarint, wait uvarint), by tid
type mark struct {
	until    int64
	sequence uint64
	accounts map[int64]account
}

const markVersion = 1

func (m mark) encode() []byte {
	tids := make([]int64, 0, len(m.accounts))
	for t := range m.accounts {
		tids = append(tids, t)
	}
	slices.Sort(tids)
	p := binary.AppendUvarint(nil, markVersion)
	p = binary.AppendVarint(p, m.until)
	p = binary.AppendUvarint(p, m.sequence)
	p = binary.AppendUvarint(p, uint64(len(tids)))
	last := int64(0)
	for _, t := range tids {
		a := m.accounts[t]
		p = binary.AppendUvarint(p, uint64(t-last))
		p = binary.AppendUvarint(p, a.Start)
		p = binary.AppendUvarint(p, uint64(a.CPU))
		p = binary.AppendUvarint(p, uint64(a.Wait))
		last = t
	}
	return p
}

var errMark = errors.New("resume mark is damaged")

func decodeMark(p []byte) (mark, error) {
	bad := false
	uv := func() uint64 {
		v, n := binary.Uvarint(p)
		if n <= 0 {
			bad, p = true, nil
			return 0
		}
		p = p[n:]
		return v
	}
	if uv() != markVersion {
		return mark{}, errMark
	}
	until, n := binary.Varint(p)
	if n <= 0 {
		return mark{}, errMark
	}
	p = p[n:]
	m := mark{until: until, sequence: uv(), accounts: map[int64]account{}}
	count := uv()
	last := int64(0)
	for i := uint64(0); i < count && !bad; i++ {
		last += int64(uv())
		m.accounts[last] = account{Start: uv(), CPU: int64(uv()), Wait: int64(uv())}
	}
	if bad || len(p) != 0 {
		return mark{}, errMark
	}
	return m, nil
}
