// Package scrape records Go programs that serve net/http/pprof, by asking them
// for profiles in turn: no SDK in them, nothing but the handlers they have.
//
// The steps:
//
//  1. target.go checks what the configuration says of a target.
//  2. A loop for each profile of a target asks for it (fetch.go): cpu is recorded
//     by the target all the time, the next profile begins when one ends; the
//     others are looked at once in each period.
//  3. format/pprof makes batches of the answer. types.go tells apart what the
//     target calls alike: contentions of mutexes and of blocking.
//  4. What is counted since the target began (allocations, contentions) becomes
//     what was counted since the last look: delta.go subtracts stack by stack. A
//     target that was restarted counts from zero again; what it has counted
//     since is the difference then. The first look has nothing to subtract from
//     and is not delivered.
//  5. status.go says how each target does.
package scrape
