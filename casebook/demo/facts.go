package demo

import (
	"slices"
	"strconv"
	"time"

	"tacho"
)

const (
	oldVersion, newVersion = "1.4.2", "1.5.0"
	heapFloor              = 21e6 // bytes that survive collections
)

// compiled is what the JIT compiler had to do again after the deploy.
var compiled = []string{
	"org.example.collector.store.StreamRecordReader.readWhile", "java.io.DataInputStream.readInt", "java.io.InputStream.read",
	"org.example.collector.chart.ChartService.render", "sun.net.httpserver.ServerImpl$Exchange.run",
	"java.time.format.DateTimeFormatterBuilder$CompositePrinterParser.format",
}

// facts adds events: collections, and around the deploy compilations.
func (m *moment) facts() {
	if m.restarted {
		m.build.Event(tacho.Event{
			Time: m.from() + int64(m.down), Kind: "deploy", Name: "collector " + newVersion,
			Attrs: tacho.NewLabels(map[string]string{"from": oldVersion, "to": newVersion}),
		})
	}
	if m.warm > 0.2 {
		for i, method := range compiled {
			m.build.Event(tacho.Event{
				Time: m.time(poolC2, i, len(compiled)), Duration: int64(m.warm * m.noise(0.3) * float64(700*time.Millisecond)),
				Kind: "jit.compilation", Name: method, Thread: "C2 CompilerThread0",
				Attrs: tacho.NewLabels(map[string]string{"compiler": "c2", "compileLevel": "4"}),
			})
		}
	}
	// A part of a collection happens in some minutes and not in others.
	n := int(m.alloc/youngGeneration + m.rng.Float64())
	var before, after []tacho.Point
	for k := range n {
		at := m.time(poolGC, k, n)
		m.build.Event(tacho.Event{
			Time: at, Duration: int64(gcPause * m.noise(0.25)), Kind: "gc.pause", Name: "GC Pause", Thread: "VM Thread",
			Attrs: tacho.NewLabels(map[string]string{"gcId": strconv.FormatInt(m.at%100_000*100+int64(k), 10)}),
		})
		floor := heapFloor * m.noise(0.03)
		before = append(before, tacho.Point{Time: at, Value: float64(int64(floor + youngGeneration))})
		after = append(after, tacho.Point{Time: at, Value: float64(int64(floor))})
	}
	for when, points := range [][]tacho.Point{before, after} {
		if len(points) > 0 {
			ls := tacho.Labels{{Name: "when", Value: []string{"before gc", "after gc"}[when]}}
			m.build.Series(tacho.Series{Name: "jvm.memory.used", Unit: "bytes", Labels: ls, Points: points})
		}
	}
}

// series adds CPU and run queue by thread group, as sums of what was sampled.
func (m *moment) series() {
	at := m.until() - 1
	for _, p := range pools {
		var cpu int64
		for _, v := range m.cpu[p.group] {
			cpu += v
		}
		ls := tacho.Labels{{Name: tacho.LabelThreadGroup, Value: p.group}}
		for _, x := range []struct {
			name  string
			nanos float64
		}{{"cpu.usage", float64(cpu)}, {"cpu.runqueue", m.queue[p.group]}} {
			m.build.Series(tacho.Series{Name: x.name, Unit: "cores", Labels: slices.Clone(ls),
				Points: []tacho.Point{{Time: at, Value: x.nanos / float64(time.Minute)}}})
		}
	}
	m.build.Series(tacho.Series{Name: "jvm.thread.count", Unit: "count", Points: []tacho.Point{{Time: at, Value: 21}}})
}
