package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tacho"
)

// recording is a service whose merged stacks make a call tree of some size.
type recording struct {
	name     string // 50k, 200k
	from, at time.Time
	batches  []*tacho.Batch
	root     *peerNode // the same tree, as the peer wants it
	frames   int
	search   string // a word that some hundreds of methods have
}

// peerNode is a node of d3-flame-graph.
type peerNode struct {
	Name     string      `json:"name"`
	Value    int64       `json:"value"`
	Children []*peerNode `json:"children,omitempty"`
	depth    int
	names    map[string]bool
}

// maxDepth is how deep the generated stacks go.
const maxDepth = 60

// grow makes a tree of exactly n frames below its root: each new frame hangs
// below a random earlier one, mostly a recent one, so that there are long thin
// stacks and broad dispatchers, as in real programs.
func grow(n int) *peerNode {
	rnd := rand.New(rand.NewPCG(7, uint64(n)))
	root := &peerNode{Name: "all"}
	nodes := []*peerNode{root}
	for len(nodes) <= n {
		i := len(nodes) - 1 - int(float64(len(nodes))*rnd.Float64()*rnd.Float64()*rnd.Float64())
		p := nodes[i]
		if p.depth >= maxDepth {
			continue
		}
		name := methodName(rnd.IntN(6000))
		if p.names[name] {
			continue
		}
		if p.names == nil {
			p.names = map[string]bool{}
		}
		p.names[name] = true
		c := &peerNode{Name: name, depth: p.depth + 1}
		p.Children = append(p.Children, c)
		nodes = append(nodes, c)
	}
	// Leaves hold the time, by Zipf's law.
	zipf := rand.NewZipf(rnd, 1.3, 8, 100_000)
	for i := len(nodes) - 1; i >= 0; i-- {
		x := nodes[i]
		if len(x.Children) == 0 {
			x.Value = int64(1+zipf.Uint64()) * 1_000_000
		}
		for _, c := range x.Children {
			x.Value += c.Value
		}
	}
	return root
}

func methodName(i int) string {
	layers := [...]string{"web", "service", "repository", "codec", "metrics", "security"}
	return fmt.Sprintf("com.example.orders.%s.Component%d.handle%d", layers[i%len(layers)], i/40, i%40)
}

// record turns the tree into batches: one stack for each leaf.
func record(name string, n int, at time.Time) *recording {
	r := &recording{name: name, from: at.Add(-time.Hour), at: at, root: grow(n), frames: n, search: "repository.Component1"}
	target := tacho.NewLabels(map[string]string{tacho.LabelService: "frames-" + name, tacho.LabelInstance: "one"})
	x := tacho.NewBuilder()
	thread := x.Thread(tacho.Thread{ID: 1, Name: "main", Group: "main"})
	samples, sequence := 0, uint64(0)
	take := func() {
		if samples > 0 {
			r.batches = append(r.batches, x.Take(target, "bench", at.UnixNano(), at.Add(time.Minute).UnixNano(), sequence))
			thread = x.Thread(tacho.Thread{ID: 1, Name: "main", Group: "main"})
			samples, sequence = 0, sequence+1
		}
	}
	var path tacho.Stack // root first
	var walk func(*peerNode)
	walk = func(p *peerNode) {
		for _, c := range p.Children {
			path = append(path, tacho.Frame{Function: c.Name, Kind: tacho.KindJIT})
			if len(c.Children) == 0 {
				leafFirst := make(tacho.Stack, len(path))
				for i, f := range path {
					leafFirst[len(path)-1-i] = f
				}
				x.Sample(tacho.CPU, tacho.Sample{Time: at.UnixNano(), Value: c.Value, Stack: x.Stack(leafFirst), Thread: thread})
				if samples++; samples == 20_000 {
					take()
				}
			}
			walk(c)
			path = path[:len(path)-1]
		}
	}
	walk(r.root)
	take()
	// An hour before, something small: what the page shows before the step.
	x.Sample(tacho.CPU, tacho.Sample{Time: r.from.UnixNano(), Value: 1_000_000, Stack: x.Stack(tacho.Stack{{Function: "small.Start.main"}}), Thread: thread})
	r.batches = append(r.batches, x.Take(target, "bench", r.from.UnixNano(), r.from.Add(time.Minute).UnixNano(), 0))
	return r
}

// weekOf is seven days of minutes with a daily pattern.
func weekOf(until time.Time) []*tacho.Batch {
	rnd := rand.New(rand.NewPCG(7, 7))
	target := tacho.NewLabels(map[string]string{tacho.LabelService: "week", tacho.LabelInstance: "one"})
	var out []*tacho.Batch
	for at := until.Add(-7 * 24 * time.Hour); at.Before(until); at = at.Add(time.Minute) {
		x := tacho.NewBuilder()
		busy := int64(100 + 80*((at.Hour()+18)%24)/24 + rnd.IntN(60))
		x.Sample(tacho.CPU, tacho.Sample{Time: at.UnixNano(), Value: busy * 10_000_000, Thread: x.Thread(tacho.Thread{ID: 1, Name: "main", Group: "main"}),
			Stack: x.Stack(tacho.Stack{{Function: "com.example.Work.run"}})})
		out = append(out, x.Take(target, "bench", at.UnixNano(), at.Add(time.Minute).UnixNano(), 0))
	}
	return out
}
