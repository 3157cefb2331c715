package symbol

import (
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// maxMangled is the longest name worth demangling, and 2^maxDemangledPow what it
// may become: a mangled name can stand for one exponentially longer.
const (
	maxMangled      = 16 << 10
	maxDemangledPow = 14
)

// Demangle is the name as its language writes it, for the names C++ and Rust
// compilers make; any other name comes back as it is. Parameters are left out,
// template arguments kept: overloads are one function to a reader of profiles,
// instances of a template are not.
func Demangle(name string) string {
	// perf and nm show versions behind an @: memcpy@@GLIBC_2.14.
	base, _, _ := strings.Cut(name, "@")
	if len(base) > maxMangled || !mangled(base) {
		return name
	}
	s := demangle.Filter(base, demangle.NoParams, demangle.NoClones, demangle.MaxLength(maxDemangledPow))
	if s == base {
		return name
	}
	return s
}

// mangled spares everything else the parser.
func mangled(s string) bool {
	return strings.HasPrefix(s, "_Z") || strings.HasPrefix(s, "__Z") || strings.HasPrefix(s, "_R")
}
