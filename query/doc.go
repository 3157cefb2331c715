// Package query turns what a store holds into what a person looks at: top
// methods, icicles, callers, heat maps, timelines, lists of events. It is the
// only room that knows both a store's trie and the folding by method that
// views want; report and web only draw what it answers.
//
// The steps of a question about stacks:
//
//  1. resolve: bounds of the request, the service, the type. "wall" becomes
//     cpu + offcpu. (engine.go)
//  2. merge: the store sums values per stack id, over one or more tries; sums
//     over the same trie are added. (load.go)
//  3. scatter and one reverse pass: stack sums land on their leaf nodes, then
//     every node is added to its parent. Ids of parents are smaller than ids
//     of their children, so one loop from the end is enough. (load.go)
//  4. fold: the trie has a node per call site (method, line, kind); views want
//     one per method. The map from trie nodes to folded nodes depends on the
//     trie only, which is append-only, so it is kept and extended. (fold.go)
//  5. the view: top.go walks it once with a "first occurrence of this method
//     on the path" bit, so that recursion counts once; icicle.go prunes, sorts
//     and lays it out; focus.go re-roots it; callers.go turns it upside down.
//
// All sums are exact: pruning happens after summing, and what was pruned stays
// in its parent's total and is counted.
package query
