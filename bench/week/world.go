package main

import (
	"fmt"
	"math/rand/v2"

	"tacho"
)

// shape is how large a made-up program is.
type shape struct {
	stacks    int
	depth     int // mean
	nodes     int // of the trie of all stacks, exact
	functions int
	rows      int // distinct stacks of a profile
}

// weekShape is the data set of research/storage.md.
var weekShape = shape{stacks: 20_000, depth: 42, nodes: 254_013, functions: 3000, rows: 1437}

// world is a program that was never written: its frames, its stacks and how
// often each of them runs. Equal shapes make equal worlds.
type world struct {
	shape
	strings []string
	frames  []tacho.FrameRef
	ranked  [][]uint32 // stacks by how often they run, leaf first
	pick    *alias
}

const seed = 20_260_302

func newWorld(s shape) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{shape: s, strings: []string{""}}
	w.makeFrames()
	w.makeStacks(rng)
	// Which stack is how hot has nothing to do with its place in the trie.
	rng.Shuffle(len(w.ranked), func(i, j int) { w.ranked[i], w.ranked[j] = w.ranked[j], w.ranked[i] })
	weights := make([]float64, s.stacks)
	for i := range weights {
		weights[i] = 1 / float64(i+1)
	}
	w.pick = newAlias(weights)
	return w
}

const linesPerFunction = 2

func (w *world) makeFrames() {
	str := func(s string) uint32 {
		w.strings = append(w.strings, s)
		return uint32(len(w.strings) - 1)
	}
	const methods, classes = 8, 40 // of a class, of a module
	var class string
	var file, module uint32
	for n := range w.functions {
		if n%methods == 0 {
			if n%(methods*classes) == 0 {
				module = str(fmt.Sprintf("acme-shop-module%d.jar", n/(methods*classes)))
			}
			name := fmt.Sprintf("Component%dHandler", n/methods)
			class = fmt.Sprintf("com.acme.shop.module%d.%s", n/(methods*classes), name)
			file = str(name + ".java")
		}
		kind := [...]tacho.FrameKind{tacho.KindJIT, tacho.KindInlined, tacho.KindJIT, tacho.KindInterpreted}[n%4]
		function := str(fmt.Sprintf("%s.operation%d", class, n%methods))
		for line := range linesPerFunction {
			w.frames = append(w.frames, tacho.FrameRef{Function: function, File: file, Module: module, Line: int32(20*(n%methods) + 3*line + 11), Kind: kind})
		}
	}
}

// makeStacks makes stack after stack, each sharing the calls at its root with
// the one before. What is left of the two budgets, frames and nodes, steers how
// deep the next is and how much of it is new, so that both come out as wanted.
func (w *world) makeStacks(rng *rand.Rand) {
	children := make(map[uint64]bool, w.nodes) // parent node and frame
	var path, nodes []uint32                   // frames and nodes of the stack before, root first
	next, framesLeft := uint32(1), w.stacks*w.depth
	for i := range w.stacks {
		left, nodesLeft := w.stacks-i, w.nodes-int(next-1)
		fresh := max(1, nodesLeft-(left-1)) // the last takes what is left
		if left > 1 {
			fresh = min(fresh, 1+rng.IntN(max(1, 2*nodesLeft/left-1)))
		}
		deep := framesLeft/left + rng.IntN(w.depth+1) - w.depth/2
		shared := max(min(deep-fresh, len(path)), min(2, len(path)))
		path, nodes = path[:shared], nodes[:shared]
		for range fresh {
			parent := uint32(0)
			if len(nodes) > 0 {
				parent = nodes[len(nodes)-1]
			}
			f := w.draw(rng)
			for children[uint64(parent)<<32|uint64(f)] {
				f = w.draw(rng)
			}
			children[uint64(parent)<<32|uint64(f)] = true
			path, nodes = append(path, f), append(nodes, next)
			next++
		}
		stack := make([]uint32, len(path))
		for k, f := range path {
			stack[len(path)-1-k] = f
		}
		w.ranked = append(w.ranked, stack)
		framesLeft -= len(path)
	}
}

// draw picks a frame; some are called from everywhere, most from few places.
func (w *world) draw(rng *rand.Rand) uint32 {
	u := rng.Float64()
	return uint32(u * u * float64(len(w.frames)))
}

// alias draws from a discrete distribution with one random number and one look
// at a table (Vose's alias method): the generator must not cost more than what
// it measures.
type alias struct {
	keep  []uint32 // chance of i itself, of 2³²
	other []uint32
}

func newAlias(weights []float64) *alias {
	n := len(weights)
	a := &alias{make([]uint32, n), make([]uint32, n)}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	p := make([]float64, n) // scaled so that the mean is 1
	var small, large []int
	for i, w := range weights {
		p[i] = w / sum * float64(n)
		if p[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.keep[s], a.other[s] = uint32(p[s]*(1<<32-1)), uint32(l)
		if p[l] -= 1 - p[s]; p[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) {
		a.keep[i], a.other[i] = 1<<32-1, uint32(i)
	}
	return a
}

func (a *alias) at(r uint64) uint32 {
	i := uint32((r >> 32) * uint64(len(a.keep)) >> 32)
	if uint32(r) <= a.keep[i] {
		return i
	}
	return a.other[i]
}
