// Package jvm records Java virtual machines from outside: nothing is installed
// in them, no flag is needed, no restart.
//
// What happens to one JVM, in order:
//
//  1. Collector finds the process (room hotspot) and opens the kernel's account
//     of its threads. From here on CPU is recorded by thread group, whatever
//     else may be refused.
//  2. session attaches, starts a JFR recording of its own named "tacho…", or
//     adopts the one a killed agent left running.
//  3. follower tails the recording's chunk files in the JVM's own repository,
//     through file handles that outlive the files.
//  4. mapper turns events into samples, series and events; samples of CPU wait
//     in calibrator until the second they belong to is complete.
//  5. calibrator spreads what the kernel billed each thread in a tick over the
//     thread's samples of that tick, so that the profile adds up to the bill.
//  6. Every Window the session hands one batch to the sink, with a mark from
//     which a restarted agent goes on.
//
// Where JFR is refused, dumper takes thread dumps at a low rate instead.
//
// # Time
//
// All times are the wall clock as the JVM writes it into a chunk's header. When
// the host's wall clock steps (more than stepTolerance against the monotonic
// clock), the session closes its window, records an event "clock.step", and
// from there on shifts the events of chunks begun before the step by its size.
// A step back therefore records the repeated hour a second time, beside the
// first; a step forward leaves an hour in which nothing was recorded.
package jvm
