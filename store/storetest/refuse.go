package storetest

import (
	"context"
	"errors"
	"strings"
	"time"
	"unsafe"

	"tacho"
	"tacho/store"
)

// What a store refuses, and what it keeps of what it takes.

func refusals(b *bench) {
	for name, bad := range map[string]*tacho.Batch{
		"too old":        simple(targetA, -30*24*time.Hour, 1, 1),
		"in the future":  simple(targetA, 25*time.Hour, 1, 1),
		"no target":      {From: 1, Until: 2, Strings: []string{""}},
		"no batch":       nil,
		"reversed":       {Target: targetA, From: at(0), Until: at(-1), Strings: []string{""}},
		"negative value": simple(targetA, 0, -1, 1),
		"frame index":    broken(func(x *tacho.Batch) { x.Stacks[0][0] = 99 }),
		"string index":   broken(func(x *tacho.Batch) { x.Frames[0].File = 99 }),
		"stack index":    broken(func(x *tacho.Batch) { x.Profiles[0].Samples[0].Stack = 99 }),
		"thread index":   broken(func(x *tacho.Batch) { x.Profiles[0].Samples[0].Thread = 99 }),
		"empty stack":    broken(func(x *tacho.Batch) { x.Stacks[0] = nil }),
		"no unit":        broken(func(x *tacho.Batch) { x.Profiles[0].Type.Unit = "" }),
	} {
		err := b.st.Append(context.Background(), "", []*tacho.Batch{bad})
		var refused *store.RefusedError
		if !errors.As(err, &refused) || refused.Index != 0 {
			b.Errorf("%s: %v, want a RefusedError of batch 0", name, err)
		}
	}
	if all, err := b.st.Services(context.Background(), ""); err != nil || len(all) != 0 {
		b.Errorf("after refusals: services %v, %v; want none", all, err)
	}
	b.append("", simple(targetA, 23*time.Hour, 4, 1))
	b.wantMerge(sel("cpu", 0, 24*time.Hour), map[string]int64{"app.Work.run": 4})
}

// broken is a batch that was fine before.
func broken(do func(*tacho.Batch)) *tacho.Batch {
	x := simple(targetA, 0, 1, 1)
	do(x)
	return x
}

// keepsNothing: what a batch consisted of is overwritten once it is stored.
func keepsNothing(b *bench) {
	x := simple(targetA, 0, 7, 1)
	text := []byte(strings.Join(x.Strings, ""))
	at := 0
	for i, s := range x.Strings {
		x.Strings[i] = unsafe.String(unsafe.SliceData(text[at:]), len(s))
		at += len(s)
	}
	c := *x
	b.append("", x)
	for i := range text {
		text[i] = '!'
	}
	clear(c.Strings)
	clear(c.Frames)
	clear(c.Profiles[0].Samples)
	for _, s := range c.Stacks {
		clear(s)
	}
	clear(c.Stacks)
	b.wantMerge(sel("cpu", -time.Hour, time.Hour), map[string]int64{"app.Work.run": 7})
	b.reopen()
	b.wantMerge(sel("cpu", -time.Hour, time.Hour), map[string]int64{"app.Work.run": 7})
}

func allOrNothing(b *bench) {
	bad := simple(targetB, -30*24*time.Hour, 1, 1)
	err := b.st.Append(context.Background(), "", []*tacho.Batch{simple(targetA, 0, 1, 1), bad})
	var refused *store.RefusedError
	if !errors.As(err, &refused) || refused.Index != 1 {
		b.Fatalf("%v, want a RefusedError of batch 1", err)
	}
	// A unit that contradicts what is stored is found later than a bad time.
	b.append("", simple(targetA, 0, 1, 1))
	x := tacho.NewBuilder()
	x.Sample(tacho.ValueType{Name: "cpu", Unit: "count"}, tacho.Sample{Value: 1, Stack: x.Stack(tacho.Stack{fMain}), Thread: x.Thread(thread1)})
	err = b.st.Append(context.Background(), "", []*tacho.Batch{simple(targetB, 0, 1, 5), x.Take(targetB, "jvm", at(0), at(1), 6)})
	if !errors.As(err, &refused) || refused.Index != 1 {
		b.Fatalf("%v, want a RefusedError of batch 1", err)
	}
	b.wantMerge(sel("cpu", -time.Hour, time.Hour), map[string]int64{"app.Work.run": 1})
	b.checkLists("", "orders")
	// What a refused call brought first is not remembered.
	lock := func(unit string, service string) *tacho.Batch {
		x := tacho.NewBuilder()
		x.Sample(tacho.ValueType{Name: "lock", Unit: unit}, tacho.Sample{Value: 1, Stack: x.Stack(tacho.Stack{fMain}), Thread: x.Thread(thread2)})
		return x.Take(targetA.With(tacho.LabelService, service), "jvm", at(0), at(1), uint64(len(unit)))
	}
	for _, service := range []string{"orders", "new"} {
		err = b.st.Append(context.Background(), "", []*tacho.Batch{lock("count", service), lock("nanoseconds", service)})
		if !errors.As(err, &refused) || refused.Index != 1 {
			b.Fatalf("%v, want a RefusedError of batch 1", err)
		}
		b.checkLists("", service)
		b.append("", lock("nanoseconds", service))
		b.checkLists("", service)
	}
	b.append("", simple(targetB, 0, 1, 5))
	b.reopen()
	b.wantMerge(sel("cpu", -time.Hour, time.Hour), map[string]int64{"app.Work.run": 2})
	b.checkLists("", "orders")
}
