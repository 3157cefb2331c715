// Package local is the embedded store: the contract of package store on
// Pebble v2, in one directory, pure Go.
//
// # What is kept
//
// Per (tenant, service) there is a trie of calls (a node is a call of a frame
// from a parent node; parents have smaller ids) and a dense table from stack id
// to leaf node. Both only grow, are written in chunks in the same commit as the
// first block that refers to them, and are read into memory when first needed.
// A trie that outgrows Options.MaxNodes is followed by one of a new epoch; the
// epoch is in every key or manifest whose block refers to stacks.
//
// A series is a type, a target and a thread group. Sums are kept per series and
// per service:
//
//	raw blocks    'r'      timed samples of one batch, type, target and minute;
//	                       kept for RawRetention
//	minute        'm'      sums per series: from raw blocks (sealed), from untimed
//	                       samples of one batch, or from timed samples of one batch
//	                       that came after raw blocks of their hour were dropped
//	hour, day     'h' 'd'  sums per series of the level below
//	              'H' 'D'  … over all series of the service
//	count rows    'n' 'N'  sums of the 60 minutes of an hour
//	coverage      'k'      which minutes of an hour a target was recorded in
//	windows       'w'      from when until when a batch recorded which types
//	points        'p'      events 'e', long events 'E'
//	manifests     'b'      what a batch wrote
//
// key.go has the exact keys. Everything but dictionaries is keyed by day or hour
// first, so that retention is one range delete per kind. Each block format is
// drawn above its encoder: token.go, raw.go, countrow.go, window.go,
// manifest.go, points.go, events.go, trie.go.
//
// # Writing
//
//  1. check the batch, if nobody has (AppendValid), and its times. (append.go)
//  2. take the writer locks of the services concerned, in order of id.
//  3. find the stack ids of the batch's stacks by the hashes they come with, and
//     only if some are new load the batch's tables, find those by a hash of their
//     own and intern the rest (content.go, intern.go, index.go, trie.go); bring the values of each series together
//     by stack id (sums.go) and make blocks; delete what an earlier delivery of
//     the same batch wrote and this one does not; mark the minutes, hours and
//     days whose sums change. (writer.go, writer_blocks.go)
//  4. one synced commit for all batches of the call; the locks are given back
//     before the sync. (append.go)
//
// # Rolling up
//
// A mark ('y') says that the sums of a minute, hour or day are not up to date.
// Once a unit is over and at rest for SealAfter the roller makes its sums anew
// from the level below and removes the mark, in one commit, unless new data came
// meanwhile. A late batch marks again. The blocks of a unit are summed in pieces of
// at most 32 MiB, or one series; beside that a unit takes a vector of 8 bytes a
// stack, and one more for each epoch. (roll.go, rollup.go, rollsum.go)
//
// # Going
//
// Raw blocks go by the hour at the end of RawRetention, days at the end of
// Retention, by one range delete a kind. Tenants may have limits of their own, by
// age and by size: their days go service by service. (retire.go, drop.go,
// tenant.go)
//
// # Reading
//
// A question opens a Pebble snapshot, reads the service's marks, and cuts its
// range into whole days, hours and minutes without mark, open minutes, and parts
// of minutes; the last two are answered from raw blocks. (view.go, plan.go,
// merge.go, counts.go, samples.go, visit.go)
//
// # Failures
//
// Damaged blocks are left out and named in Missing; a unit with damaged blocks
// stays marked, so that Missing stays exact. Check reads everything and names
// key and offset. (check.go)
//
// The disk is measured once a second. Below twice MinFree, or above MaxBytes,
// the oldest day goes; below MinFree batches are refused with ErrFull and nothing
// is rolled up; a ballast file is given up when a write finds the disk full.
// (space.go, drop.go, ballast.go)
//
// Between Pebble and the disk stands a file system that tries writes to the log
// and the manifest again until they succeed, and ends the store, not the process,
// when one cannot be synced. Health says what is waited for; appends end within
// three times StallAfter. (disk.go, fault.go)
package local
