package jvm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tacho"
	"tacho/format/jfr"
	"tacho/record"
	"tacho/record/hotspot"
)

const (
	// dumpPeriod is the shortest time between two thread dumps, dumpShare the
	// largest part of the time a JVM may spend on them: a dump stops the world
	// for 1 ms with 70 threads, for 14-31 ms with a thousand.
	dumpPeriod = int64(1e9)
	dumpShare  = 500
)

// dumper takes thread dumps at a low rate: the fallback where JFR is refused.
type dumper struct {
	vm    *hotspot.JVM
	next  int64
	last  int64
	start func() time.Time
}

func newDumper(vm *hotspot.JVM) *dumper { return &dumper{vm: vm, start: time.Now} }

// poll takes a dump when one is due. A thread seen running Java code becomes a
// sample of CPU, any other a sample of the time since the last dump.
func (d *dumper) poll(ctx context.Context, now int64, m *mapper) error {
	if now < d.next {
		return nil
	}
	began := d.start()
	dump, err := d.vm.ThreadDump(ctx)
	took := d.start().Sub(began)
	d.next = now + max(dumpPeriod, int64(took)*dumpShare)
	if err != nil {
		return fmt.Errorf("take a thread dump: %w", err)
	}
	since := dumpPeriod
	if d.last != 0 {
		since = now - d.last
	}
	d.last = now
	for _, t := range dump.Threads {
		if len(t.Frames) == 0 {
			continue
		}
		th := tacho.Thread{ID: m.hostTID(t.NID), JavaID: t.JavaID, Name: t.Name, Group: record.ThreadGroup(t.Name)}
		if t.NID > 0 {
			m.names[t.NID], m.java[t.NID] = th, true
		}
		leaf := t.Frames[0].Function
		ref := &stackRef{frames: t.Frames}
		switch {
		case t.State == "RUNNABLE" && !jfr.WaitsIn(leaf):
			m.cpu = append(m.cpu, cpuSample{time: now - 1, stack: ref, tid: t.NID, thread: th, either: jfr.Transfers(leaf), period: since})
		case t.State == "BLOCKED":
			m.samples = append(m.samples, timed{tacho.Lock, now - 1, since, ref, th})
			fallthrough
		case !strings.HasPrefix(t.State, "NEW"):
			m.samples = append(m.samples, timed{tacho.OffCPU, now - 1, since, ref, th})
		}
	}
	return nil
}

func (d *dumper) close() { d.vm.Close() }
