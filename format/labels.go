package format

import (
	"strings"

	"tacho"
)

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
