package format

import (
	"strconv"
	"strings"

	"tacho"
)

// NumericLabel spells the name of a numeric label of a sample (pprof's num and
// num_unit): bytes in bytes becomes "bytes[bytes]", without a unit "bytes[]".
// Its value is the decimal number. No label of text ends in a bracket that way,
// so that an export can tell "7" from 7.
func NumericLabel(name, unit string) string { return name + "[" + unit + "]" }

// ParseNumericLabel takes the spelling apart; false for a label of text.
func ParseNumericLabel(label tacho.Label) (name, unit string, value int64, ok bool) {
	open := strings.LastIndexByte(label.Name, '[')
	if open <= 0 || !strings.HasSuffix(label.Name, "]") {
		return "", "", 0, false
	}
	v, err := strconv.ParseInt(label.Value, 10, 64)
	if err != nil {
		return "", "", 0, false
	}
	return label.Name[:open], label.Name[open+1 : len(label.Name)-1], v, true
}

// Exported is put before the name of a sample's label that the target has too,
// with another value: what a sample says never moves it to another service.
// The word is Prometheus's for the same case.
const Exported = "exported_"

// Join is the identity of samples with extra labels of a target.
func Join(target tacho.Labels, extra []tacho.Label) tacho.Labels {
	out := target
	for _, l := range extra {
		if l.Name == "" || l.Value == "" {
			continue
		}
		name := l.Name
		if have := target.Get(name); have != "" && have != l.Value {
			name = Exported + name
		}
		out = out.With(name, l.Value)
	}
	return out
}

// ThreadGroup folds the digits of a thread's name, so that a pool is one group:
// http-nio-8080-exec-3 → http-nio-#-exec-#. Package record does the same for
// threads it sees itself, and knows those of a JVM besides.
func ThreadGroup(name string) string {
	var b strings.Builder
	digit := false
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= '0' && c <= '9' {
			if !digit {
				b.WriteByte('#')
			}
			digit = true
			continue
		}
		digit = false
		b.WriteByte(c)
	}
	return b.String()
}
