// Package query turns what a store holds into what a person looks at: top
// methods, icicles, callers, heat maps, timelines, lists of events. It is the
// only room that knows both a store's trie and the folding by method that
// views want; report and web only draw what it answers.
//
// The steps of a question about stacks:
//
//  1. resolve: bounds of the request, the service, the type. "wall" becomes
//     cpu + offcpu; a rhythm cuts the range into pieces. (engine.go, rhythm.go)
//  2. merge: the store sums values per stack id, over one or more tries; sums
//     over the same trie are added, those of a comparison's base beside the
//     others. (load.go)
//  3. fold: the trie has a node per call site (method, line, kind); views want
//     one per method. The map from trie nodes to folded nodes depends on the
//     trie only, which is append-only, so it is kept and extended. (fold.go)
//  4. narrow: filters are asked once per method, what a path has matched goes
//     from parents to children, and stacks that were not selected lose their
//     values; focus and collapse map the folded trie to another one. Without
//     narrowing this costs nothing. (narrow.go, reshape.go)
//  5. scatter and one reverse pass: stack sums land on the nodes they end at,
//     then every node is added to its parent. Ids of parents are smaller than
//     ids of their children, so one loop from the end is enough. The same over
//     the call sites gives lines, files and kinds. (load.go)
//  6. the view: top.go walks it once with a "first occurrence of this method on
//     the path" bit, so that recursion counts once; icicle.go and layout.go
//     prune, sort and lay out; invert.go grows callers and inverted trees from
//     the leaves, only as far as they show; stacks.go hands out the stacks for
//     export; diff.go lays two sides out as one, and tests on slices of time
//     which differences are more than chance (slice.go, stat.go).
//
// Heat maps (heatmap.go) and series (timeline.go, with derived ones in derive.go)
// come from the store per step; events (events.go) with those that follow from
// when instances began (starts.go).
//
// All sums are exact: pruning happens after summing, and what was pruned stays
// in its parent's total and is counted.
package query
