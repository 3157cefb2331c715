// Package madeup has the profiles of a program that was never written, for
// benchmarks: the same ones on every machine.
//
//  1. New makes functions, and stacks of 20 to 60 calls that share their roots as
//     stacks of a real program do.
//  2. Profile draws which stacks a CPU profile of ten seconds has, and how often,
//     by Zipf's law, so that few are hot and most are seen once in a while.
//  3. Pprof and Collapsed write it down.
package madeup

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/google/pprof/profile"
)

// Program is what profiles are made of.
type Program struct {
	names  []string // of functions
	files  []string // by function
	module string
	calls  []call
	stacks [][]int32 // indexes of calls, leaf first
	shares []float64 // cumulated, by stack
	seed   uint64
}

// call is a line of a function from which it calls, or at which it runs.
type call struct {
	function int32
	line     int32
}

// Shape is how large a program is.
type Shape struct {
	Functions, Stacks, Rows int // Rows: different stacks of a profile
}

// Service is the shape the figures of bench/decode are of: 20,000 stacks,
// 1,500 of them in a profile.
var Service = Shape{Functions: 3000, Stacks: 20_000, Rows: 1500}

// New makes a program; equal arguments make equal programs.
func New(s Shape, seed uint64) *Program {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &Program{module: "/srv/shop/bin/orders", seed: seed}
	for i := range s.Functions {
		pkg := fmt.Sprintf("github.com/acme/shop/internal/module%d", i/200)
		p.names = append(p.names, fmt.Sprintf("%s.(*Component%dHandler).operation%d", pkg, i/8, i%8))
		p.files = append(p.files, fmt.Sprintf("/build/src/%s/component%d.go", pkg, i/8))
		for line := range 2 {
			p.calls = append(p.calls, call{int32(i), int32(20*(i%8) + 3*line + 11)})
		}
	}
	var path []int32 // root first
	for range s.Stacks {
		depth := 20 + r.IntN(41)
		shared := min(max(depth-1-r.IntN(12), 0), len(path))
		path = path[:shared]
		for len(path) < depth {
			u := r.Float64()
			path = append(path, int32(u*u*float64(len(p.calls))))
		}
		st := slices.Clone(path)
		slices.Reverse(st)
		p.stacks = append(p.stacks, st)
	}
	r.Shuffle(len(p.stacks), func(i, j int) { p.stacks[i], p.stacks[j] = p.stacks[j], p.stacks[i] })
	sum := 0.0
	for i := range p.stacks {
		sum += 1 / float64(i+1)
		p.shares = append(p.shares, sum)
	}
	return p
}

// Row is a stack and how often it was seen.
type Row struct {
	Stack int
	Count int64
}

// Profile is the n-th profile: its rows, in no order.
func (p *Program) Profile(rows, n int) []Row {
	r := rand.New(rand.NewPCG(p.seed, uint64(n)+2))
	count := make(map[int]int64, rows)
	var out []Row
	for len(count) < rows {
		i, _ := slices.BinarySearch(p.shares, r.Float64()*p.shares[len(p.shares)-1])
		if count[i]++; count[i] == 1 {
			out = append(out, Row{Stack: i})
		}
	}
	for i := range out {
		out[i].Count = count[out[i].Stack]
	}
	return out
}

// Pprof is rows as profile.proto, uncompressed: samples and nanoseconds of CPU,
// as Go's runtime has them.
func (p *Program) Pprof(rows []Row, at time.Time) ([]byte, error) {
	out := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10_000_000,
		TimeNanos: at.UnixNano(), DurationNanos: int64(10 * time.Second),
	}
	m := &profile.Mapping{ID: 1, Start: 0x400000, Limit: 0x4000000, File: p.module, HasFunctions: true}
	out.Mapping = []*profile.Mapping{m}
	functions := map[int32]*profile.Function{}
	locations := map[int32]*profile.Location{}
	for _, row := range rows {
		s := &profile.Sample{Value: []int64{row.Count, row.Count * 10_000_000}}
		for _, c := range p.stacks[row.Stack] {
			l := locations[c]
			if l == nil {
				fn := p.calls[c].function
				f := functions[fn]
				if f == nil {
					f = &profile.Function{ID: uint64(len(functions) + 1), Name: p.names[fn], SystemName: p.names[fn], Filename: p.files[fn]}
					functions[fn] = f
					out.Function = append(out.Function, f)
				}
				l = &profile.Location{ID: uint64(len(locations) + 1), Mapping: m, Address: 0x400000 + uint64(c)*64, Line: []profile.Line{{Function: f, Line: int64(p.calls[c].line)}}}
				locations[c] = l
				out.Location = append(out.Location, l)
			}
			s.Location = append(s.Location, l)
		}
		out.Sample = append(out.Sample, s)
	}
	var b bytes.Buffer
	if err := out.WriteUncompressed(&b); err != nil {
		return nil, fmt.Errorf("write a made-up profile: %w", err)
	}
	return b.Bytes(), nil
}

// Collapsed is rows in the collapsed format, root first.
func (p *Program) Collapsed(rows []Row) []byte {
	var b []byte
	for _, row := range rows {
		st := p.stacks[row.Stack]
		for i := len(st) - 1; i >= 0; i-- {
			b = append(b, p.names[p.calls[st[i]].function]...)
			b = append(b, ';')
		}
		b[len(b)-1] = ' '
		b = append(strconv.AppendInt(b, row.Count, 10), '\n')
	}
	return b
}

// Frames is how many frames the rows have.
func (p *Program) Frames(rows []Row) int {
	n := 0
	for _, row := range rows {
		n += len(p.stacks[row.Stack])
	}
	return n
}
