package madeup

import (
	"fmt"
	"strconv"
)

// PerfScript is rows as `perf script` prints them, a sample for each count up to
// three (a profile of millions of samples is mostly repetition).
func (p *Program) PerfScript(rows []Row) []byte {
	var b []byte
	for i, row := range rows {
		for k := range min(row.Count, 3) {
			b = fmt.Appendf(b, "orders  4711/47%02d  %d.%06d:   10101010 cpu-clock:ppp: \n", i%20, 1000+i/1000, i%1000*1000+int(k))
			for _, c := range p.stacks[row.Stack] {
				b = fmt.Appendf(b, "\t%16x %s+0x%x (%s)\n", 0x400000+uint64(c)*64, p.names[p.calls[c].function], p.calls[c].line, p.module)
			}
			b = append(b, '\n')
		}
	}
	return b
}

// Speedscope is rows as a sampled profile.
func (p *Program) Speedscope(rows []Row) []byte {
	b := []byte(`{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":{"frames":[`)
	for i, c := range p.calls {
		b = comma(b, i)
		b = fmt.Appendf(b, `{"name":%q,"file":%q,"line":%d}`, p.names[c.function], p.files[c.function], c.line)
	}
	b = append(b, `]},"profiles":[{"type":"sampled","name":"cpu","unit":"nanoseconds","startValue":0,"endValue":0,"samples":[`...)
	for i, row := range rows {
		b = append(comma(b, i), '[')
		st := p.stacks[row.Stack]
		for k := range st {
			b = strconv.AppendInt(comma(b, k), int64(st[len(st)-1-k]), 10)
		}
		b = append(b, ']')
	}
	b = append(b, `],"weights":[`...)
	for i, row := range rows {
		b = strconv.AppendInt(comma(b, i), row.Count*10_000_000, 10)
	}
	return append(b, "]}]}"...)
}

// CPUProfile is rows as V8 writes them: a tree of nodes, and ten samples
// of each row.
func (p *Program) CPUProfile(rows []Row) []byte {
	type edge struct {
		parent int
		call   int32
	}
	nodes := map[edge]int{}
	var order []edge
	leaves := make([]int, len(rows))
	for i, row := range rows {
		at := 1
		st := p.stacks[row.Stack]
		for k := len(st) - 1; k >= 0; k-- {
			e := edge{at, st[k]}
			id := nodes[e]
			if id == 0 {
				order = append(order, e)
				id = len(order) + 1
				nodes[e] = id
			}
			at = id
		}
		leaves[i] = at
	}
	children := make([][]int, len(order)+2)
	for i, e := range order {
		children[e.parent] = append(children[e.parent], i+2)
	}
	b := []byte(`{"nodes":[{"id":1,"callFrame":{"functionName":"(root)","scriptId":"0","url":"","lineNumber":-1,"columnNumber":-1},"hitCount":0,"children":`)
	b = append(ints(b, children[1]), '}')
	for i, e := range order {
		c := p.calls[e.call]
		b = fmt.Appendf(b, `,{"id":%d,"callFrame":{"functionName":%q,"scriptId":"7","url":%q,"lineNumber":%d,"columnNumber":4},"hitCount":1,"children":`, i+2, p.names[c.function], p.files[c.function], c.line)
		b = append(ints(b, children[i+2]), '}')
	}
	b = append(b, `],"startTime":100,"endTime":100000000,"samples":[`...)
	const repeat = 10
	for i := range len(rows) * repeat {
		b = strconv.AppendInt(comma(b, i), int64(leaves[i%len(rows)]), 10)
	}
	b = append(b, `],"timeDeltas":[`...)
	for i := range len(rows) * repeat {
		b = strconv.AppendInt(comma(b, i), int64(100+i%7), 10)
	}
	return append(b, "]}"...)
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func ints(b []byte, list []int) []byte {
	b = append(b, '[')
	for i, v := range list {
		b = strconv.AppendInt(comma(b, i), int64(v), 10)
	}
	return append(b, ']')
}
