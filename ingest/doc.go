// Package ingest takes batches from agents and from the collectors of the same
// process, and hands them to the store in groups.
//
// The steps in order:
//
//  1. A request body is read whole, within a limit for one body and a budget
//     for all bodies under way, and decoded by a bounded number of decoders. The
//     tables of stacks stay packed if the store can do without: then the body
//     waits with its batches, and counts in the queue.
//  2. Its batches are put into the queue of their tenant, which is bounded in
//     bytes. When it is full the caller hears so at once (ErrOverloaded, 429),
//     if possible before its body is read and decoded: nothing ever waits for
//     room, and refusing is cheap.
//  3. A fixed number of flushers takes what has come in 100 ms, or 300 batches
//     if that is sooner, and gives it to the store as one Append: one fsync for
//     many requests. A tenant is flushed by one flusher at a time.
//  4. Each request gets its answer when its group is durable. A request with a
//     batch that the store refuses is taken out of the group; if a group fails
//     without a word about the culprit, its requests are committed one by one.
//     None fails for the sake of its neighbours.
//
// A request whose caller goes away is committed all the same; the caller will
// send it again, and the store replaces it.
//
// Readiness and metrics are read from atomics, never under the lock of the
// queues, so that they answer while the store hangs.
package ingest
