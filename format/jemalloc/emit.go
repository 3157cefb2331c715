package jemalloc

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"tacho"
)

// emit turns what was read into samples.
func (d *decoder) emit() error {
	if len(d.maps) == 0 && len(d.all) > 0 {
		d.e.Warn.Add(d.lines.Position(), "no MAPPED_LIBRARIES: the addresses cannot be told apart by module")
	}
	accumulated := false
	for _, e := range d.all {
		accumulated = accumulated || e.counts[2] > 0
	}
	types := []tacho.ValueType{InuseObjects, InuseSpace}
	if accumulated {
		types = append(types, AllocObjects, AllocSpace)
	}
	for _, t := range types {
		if err := d.e.Declare(nil, t); err != nil {
			return err
		}
	}
	frames := map[uint64]tacho.Frame{}
	var st tacho.Stack
	for _, e := range d.all {
		st = st[:0]
		for _, a := range d.addrs[e.from:e.to] {
			f, ok := frames[a]
			if !ok {
				f = d.frame(a)
				frames[a] = f
			}
			st = append(st, f)
		}
		st = withoutAllocator(st)
		if len(st) == 0 {
			continue
		}
		for i, t := range types {
			objects, bytes := e.counts[i&^1], e.counts[i|1]
			v := round(float64(e.counts[i]) * d.scale(objects, bytes))
			if v <= 0 {
				continue
			}
			if err := d.e.Add(nil, t, st, tacho.Thread{}, tacho.Sample{Value: v}); err != nil {
				return err
			}
		}
	}
	return nil
}

func round(v float64) int64 {
	if v >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(math.Round(v))
}

// frame is the call that returns to an address.
func (d *decoder) frame(a uint64) tacho.Frame {
	a-- // of the call instruction: the return address may be of the next line or function
	i, found := slices.BinarySearchFunc(d.maps, a, func(m mapping, a uint64) int { return cmp.Compare(m.start, a) })
	if !found {
		i--
	}
	if i < 0 || a >= d.maps[i].end {
		return tacho.AddressFrame("", "", a, tacho.KindNative)
	}
	m := &d.maps[i]
	return tacho.AddressFrame(m.path, "", a-m.start+m.offset, tacho.KindNative)
}

// withoutAllocator drops jemalloc's own frames at the leaf, which are the same
// for everybody, if something is left.
func withoutAllocator(s tacho.Stack) tacho.Stack {
	for i, f := range s {
		if !strings.Contains(f.Module[strings.LastIndexByte(f.Module, '/')+1:], "jemalloc") {
			return s[i:]
		}
	}
	return s
}
