// Package symbol gives names to addresses: it turns uploaded programs and debug
// files into small indexes by build id, and the frames that decoders could only
// write as module+0xoffset (tacho.AddressFrame) into functions, files and lines,
// calls that the compiler inlined included.
//
// The steps:
//
//  1. Store.Put takes an ELF file. elf.go finds its build ids and segments;
//     symtab.go, golang.go and dwarf.go each make a layer of address ranges:
//     symbol tables (demangled), Go's pclntab, DWARF's line programs and inline
//     trees. A better layer lies on top of a worse one (layer.go).
//  2. index.go writes the layers as one flat, sorted table. The upload itself is
//     not kept: a lookup is a binary search and a few short reads, whatever the
//     file was.
//  3. Store.ResolveLoaded names the frames of a batch on its way in, from memory
//     only, so that it cannot stand in the way of ingest; what it did not have is
//     read in the background for the batches to come (warm.go). Resolve is for
//     those who can wait. Builds nobody uploaded stay addresses.
//  4. Store.Names answers the same for frames that were stored as addresses, when
//     they are shown: their symbols may come at any time. Generation says that the
//     answers may have changed.
//
// perfmap.go reads the maps JIT compilers write to /tmp/perf-PID.map, demangle.go
// the names C++ and Rust compilers make up.
//
// # The index
//
// One file a build, named by its first id; little-endian, read by offset:
//
//	header   one line of JSON: magic, ids, segments, counts (type header)
//	sparse   u64…      the first address of every 512th range
//	ranges   12 bytes… u64 first address, u32 location+1, 0 for a gap; sorted
//	locs     u32…      where a location's frames begin in calls; one more at the end
//	calls    u32…      frames, leaf first
//	frames   12 bytes… u32 function, u32 file, u32 line
//	strings  u32…      where a string begins in text; one more at the end
//	text     bytes
//
// # Bounds
//
// An upload is foreign: its sections are bounded before they are read (also by
// what they decompress to), ranges, frames and names are counted against Limits,
// and the libraries that parse it (debug/elf, debug/dwarf, debug/gosym), which do
// not promise to stand hostile input, run behind a recover. What goes over a limit
// leaves a coarser index with a note, not none. Not read: split DWARF (.dwo), the
// shared part of files that dwz compressed; their functions have the names of the
// symbol table and no inlined calls.
package symbol
