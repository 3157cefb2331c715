// Package speedscope reads speedscope's own file format, as py-spy, rbspy,
// speedscope itself and Tacho write it.
//
// # The format
//
// JSON (speedscope.app/file-format-schema.json), in any order of keys:
//
//	{"$schema": "https://www.speedscope.app/file-format-schema.json",
//	 "shared": {"frames": [{"name": "main", "file": "a.py", "line": 3, "col": 1}, …]},
//	 "profiles": [
//	   {"type": "sampled", "name": "thread 1", "unit": "seconds", "startValue": 0, "endValue": 9,
//	    "samples": [[0, 1], …], "weights": [0.01, …]},               frames root first
//	   {"type": "evented", "name": "thread 2", "unit": "milliseconds", "startValue": 0, "endValue": 9,
//	    "events": [{"type": "O", "frame": 0, "at": 0}, {"type": "C", "frame": 0, "at": 3}, …]}]}
//
// # The steps
//
//  1. read.go goes over the file once. Frames may come last, so what refers to
//     them is held as plain numbers, which Limits.Memory bounds.
//  2. emit.go makes samples. Of an evented profile each stretch between two
//     events is a sample, with its time; of a sampled one they have none, for
//     programs also write sums that way.
//
// # What becomes what
//
// A time unit becomes cpu/nanoseconds, bytes alloc/bytes, none samples/count,
// unless Options.Type gives the type; weights are rounded to whole units of
// that. A file of several profiles has one a thread: their names become threads.
// Values of time relative to a start that nobody knows end at Options.Until or
// now.
package speedscope
