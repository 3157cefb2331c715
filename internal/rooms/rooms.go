// Package rooms holds the line on imports: data flows one way through the
// rooms of the house, and a room imports only rooms upstream of it.
//
// Its test lists every package of the module, takes the imports of the package
// itself (tests are free), and fails on the first one that Check does not allow.
//
// A room is the first element of a package's path; rooms below it, like
// record/jvm, follow the rules of the whole room and one more: siblings never
// import one another, unless the importer is the room's list, named all.
package rooms

import (
	"fmt"
	"strings"
)

// Module is the path all rooms start with.
const Module = "tacho"

// upstream is the table of DESIGN.md §2. Every room may also import the root
// package and internal rooms; a room that is not here may not exist.
var upstream = map[string][]string{
	"record":   {"wire", "format", "symbol"},
	"wire":     {},
	"format":   {},
	"symbol":   {},
	"heap":     {},
	"ingest":   {"wire", "format", "symbol", "store"},
	"store":    {},
	"query":    {"store"},
	"detect":   {"query"},
	"report":   {"query", "detect", "heap", "store"}, // store: its words only (ADR 1)
	"web":      {"ingest", "query", "detect", "report", "store"},
	"internal": {},
}

// free rooms are wiring, measurement and stories: they import everything, the
// concrete stores included.
var free = map[string]bool{"cmd": true, "bench": true, "casebook": true}

// between siblings, the exceptions.
var between = map[[2]string]bool{
	{"record/jvm", "record/hotspot"}:       true, // what HotSpot is called and where it keeps things
	{"record/asyncprof", "record/hotspot"}: true, // how a library gets into it
}

// concrete stores are named where the program is put together and nowhere else.
var concrete = []string{"store/local", "store/clickhouse"}

// Check returns why the package must not have the import, nil if it may.
func Check(pkg, imp string) error {
	to, ours := inModule(imp)
	from, ok := inModule(pkg)
	if !ok {
		return fmt.Errorf("%s is not a package of %s", pkg, Module)
	}
	if from == "" {
		if first, _, _ := strings.Cut(imp, "/"); ours || strings.Contains(first, ".") {
			return fmt.Errorf("the root package imports %s; it may import the standard library only", imp)
		}
		return nil
	}
	room := roomOf(from)
	if free[room] {
		return nil
	}
	allowed, known := upstream[room]
	if !known {
		return fmt.Errorf("%s is in no room of the table in internal/rooms", pkg)
	}
	if !ours || to == "" {
		return nil
	}
	if roomOf(to) == room {
		return checkSibling(from, to)
	}
	for _, c := range concrete {
		if within(to, c) {
			return fmt.Errorf("%s imports %s; only cmd, bench, casebook and tests name a concrete store", from, to)
		}
	}
	if roomOf(to) == "internal" {
		return nil
	}
	for _, a := range allowed {
		if within(to, a) {
			return nil
		}
	}
	return fmt.Errorf("%s imports %s; %s may import %s", from, to, room, strings.Join(append([]string{"the root"}, allowed...), ", "))
}

// checkSibling: up and down inside a room is allowed, sideways is not.
func checkSibling(from, to string) error {
	if within(from, to) || within(to, from) || between[[2]string{from, to}] {
		return nil
	}
	if i := strings.LastIndexByte(from, '/'); from[i+1:] == "all" && within(to, from[:i]) {
		return nil
	}
	return fmt.Errorf("%s imports its sibling %s; only a list named all may", from, to)
}

// inModule returns the path below the module, "" for the root package.
func inModule(path string) (string, bool) {
	if path == Module {
		return "", true
	}
	return strings.CutPrefix(path, Module+"/")
}

func roomOf(path string) string {
	room, _, _ := strings.Cut(path, "/")
	return room
}

func within(path, room string) bool {
	return path == room || strings.HasPrefix(path, room+"/")
}
