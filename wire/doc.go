// Package wire carries batches from an agent to a server: how a batch is
// written down, the spool an agent keeps on disk, and the client that empties
// the spool.
//
// The steps in order:
//
//  1. A collector delivers a tacho.Batch to the Spool (Append). It is encoded
//     once; the same bytes go to the disk and over the network.
//  2. A Sender takes the oldest batches (Next), hands them to a Deliverer, an
//     HTTP client or the server of the same process, and acknowledges them
//     (Ack) when the other side says that they are durable.
//  3. The server reads the request body with a Reader and gets batches as
//     tacho.Batch.Validate wants them: checked while they are read. A lazy Reader
//     leaves the tables of stacks packed until tacho.Batch.Load asks for them.
//
// Delivery is at least once: after a crash or a lost answer a batch is sent
// again with the same identity, and the store replaces the one it has.
//
// # One encoded batch
//
//	"TBT" version=3 | crc32c u32 LE | length of the first section u32 LE |
//	                  over all that follows it
//	first section, an S2 block: uvarint length of what it unpacks to, …
//	second section, an S2 block
//
// The first section is what was seen, and a hash of the content of every stack
// (tacho.StackHash, which defines it). The second is what the stacks are: a server
// that has had them all before, which is the rule, never unpacks it. The sections'
// lengths are held against Limits.Decompressed together before either is unpacked.
// Whoever unpacks the second section need not compare stacks and hashes; whoever
// learns from a hash what a stack is must.
//
// The sections are columns, so that equal things lie side by side and compress, and
// so that the server, which reads what many agents write, does so in passes at
// memory speed. u is an unsigned varint, z a zigzag varint, Δ the difference from
// the element before (0 before the first), str = u length, bytes; n is a count
// and opens its table. P is a column of 32-bit numbers in planes: a byte w of 1
// to 4, then the lowest bytes of all elements, then the next, w times; no bytes
// at all when there are no elements. PΔ holds zigzag differences modulo 2^32:
//
//	header    collector str | from z | until−from z | sequence u | target labels
//	labels    n | n × (name str, value str)
//	hashes    n | 16 bytes for each stack
//	threads   n | id Δz… | java id Δz… | name str… | group str…
//	profiles  n | n × (name str, unit str, n, time Δz… (first: −from),
//	              value Δz…, stack P, thread P, span Δz…)
//	series    n | n × (name str, unit str, labels, n, time Δz… (first: −from),
//	              value… as u of the byte-reversed XOR with the value before)
//	events    n | time Δz… (first: −from) | duration z… | kind str… | name str…
//	              | thread str… | labels…
//
// and the second section, the tables:
//
//	strings   n | length P | the bytes, one after another
//	frames    n | function PΔ | file PΔ | module PΔ | line PΔ | kind, a byte…
//	stacks    n, as many as hashes | depth P | frame ids of all stacks P
//
// Nothing may follow the last event, nor the last stack. Empty tables come back as
// nil slices. What is wrong with the second section of a batch that is read lazily
// is found when it is loaded, and refused then.
//
// # A request body
//
//	(u length | encoded batch) …
//
// # The spool
//
// A directory, locked by the agent that uses it:
//
//	%016x.spool   segments, numbered in the order of writing
//	ack           "1 SEGMENT OFFSET CRC\n" in hex: what lies before was delivered
//
//	segment  "TSPL" version=1 0 0 0 | record …
//	record   u32 LE length of payload | crc32c u32 LE of payload | payload
//	payload  kind u8 | written at, Unix ns z | marks | encoded batch, or nothing
//	marks    n | n × (key str, 0 = forget it or 1+length u, state)
//
// Kind 1 is an entry: marks that hold from here on and the batch they belong
// to, in one record and so both or neither. Kind 2 opens a segment and repeats
// all marks, so that older segments can be deleted when they are delivered.
//
// Append returns when the operating system has the record: that survives the
// end of the agent in any form, kill -9 included, but not a power cut, after
// which the last seconds may be missing and the torn end is cut off. Asking
// for more would mean an fsync a second per JVM on the disks of other people's
// production hosts.
package wire
