// Package pprof reads pprof profiles: profile.proto, and the text and binary
// formats that came before it, through google/pprof's own reader.
//
// # The format
//
// profile.proto (github.com/google/pprof, proto/profile.proto) is one protobuf
// message, usually gzipped. Everything refers to everything by id or by index
// into a string table that comes last, so it is read whole:
//
//	1 sample_type  ValueType{1 type, 2 unit}          repeated
//	2 sample       {1 location_id…, 2 value…, 3 label} leaf first; values by sample_type
//	               label {1 key, 2 str, 3 num, 4 num_unit}
//	3 mapping      {1 id, 2 start, 3 limit, 4 offset, 5 filename, 6 build_id, 7-10 has_…}
//	4 location     {1 id, 2 mapping_id, 3 address, 4 line…, 5 is_folded}
//	               line {1 function_id, 2 line, 3 column}; inlined calls first
//	5 function     {1 id, 2 name, 3 system_name, 4 filename, 5 start_line}
//	6 string_table repeated
//	7 drop_frames, 8 keep_frames      strings: regular expressions
//	9 time_nanos, 10 duration_nanos, 11 period_type, 12 period
//	13 comment…, 14 default_sample_type, 15 doc_url   strings
//
// # The steps
//
//  1. fields.go goes over the message once and notes where functions, locations
//     and mappings lie; strings become one string, cut up.
//  2. tables.go makes frames of locations, each once: the calls inlined at an
//     address first. drop_frames and keep_frames are applied as pprof does.
//  3. samples.go goes over the samples: location ids become frames, values rows
//     of their types, labels a label set. Without labels nothing is allocated
//     for a sample.
//  4. batches.go makes a batch of every label set and hands it over.
//  5. legacy.go reads what is no protobuf.
//
// Bounds: the message is in memory once, its samples as 4 bytes a frame and 8 a
// value. Limits are checked before anything is allocated by them.
//
// # What becomes what
//
// A type keeps its name and unit, except that of CPU profiles:
//
//	cpu/nanoseconds                      cpu/nanoseconds
//	cpu/microseconds, /milliseconds, …   cpu/nanoseconds, multiplied
//	any other, samples/count, alloc_space/bytes, inuse_objects/count,
//	contentions/count, delay/nanoseconds, goroutine/count, …   as they are
//
// Two sample types of one name (and different units) get the unit into the
// name of the second: delay, delay_count. samples/count is kept beside cpu. The
// negative values of profiles that were subtracted are refused: the store sums.
//
// A line's function becomes Frame.Function (its name, or system_name when that
// is empty), File its filename, Module the mapping's filename. A location without lines becomes a
// frame whose function is the address, lower-case hex with 0x, relative to the
// file: address − start + offset. Module is then FILE, or FILE@BUILDID where the
// build id is known, by which package symbol finds names later. Kind is
// KindKernel for mappings like [kernel.kallsyms] and KindUnknown else: the format does not say.
//
// Times: the window is [time_nanos, time_nanos+duration_nanos); unset or in
// 1970, Options count. Samples have no time of their own and count at the
// window's start.
//
// # Labels of samples
//
// A label of text becomes a label of the batch's Target, under its own name;
// where the target has that name with another value, as exported_NAME (see
// format.Exported). A numeric label becomes NAME[UNIT] with the decimal number
// as its value, NAME[] without a unit: bytes[bytes]="4096" (tacho.NumericLabel,
// tacho.Label.Numeric undoes it). A second value of one name in one sample
// goes by NAME#2, and so on. Sample labels that say which thread or span it was
// are no identity, for they are many:
//
//	thread, thread_name, "thread name"          Thread.Name; Group is the name with digits folded
//	thread_id, tid, "thread id" (text or number) Thread.ID
//	thread_group                                Thread.Group, as our own exports have it
//	span_id, "span id", profile_id: 16 hex digits Sample.Span; or a number
//	trace_id, "trace id", "local root span id"   left out, with a warning: the span leads to it
//
// Neither is the numeric label bytes of heap profiles: the runtime of Go puts on
// every sample what alloc_space over alloc_objects gives, which is another number
// for nearly every stack.
//
// A sample with a thread or span gets a Time (the window's start), because the
// store keeps threads and spans with raw samples only (24 hours by default):
// an export finds them with store.Samples, and spells them thread, thread_id
// and span_id. Anything else a label might say in those names (a span_id that
// is not hex) stays a label of text.
//
// To export: group by series; a label of its identity that is not the target's
// is a sample label, Label.Numeric first, then "#N" cut off.
package pprof
