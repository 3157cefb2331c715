package store

import "strings"

// NormalizeFunction takes the part out of a function's name that a JVM makes up
// anew for every class it generates at run time. Every store keeps functions
// under their normalised names; without it each restart, and some programs each
// request, would add call sites for ever. Everything else is kept exactly.
//
//	a.B$$Lambda$14/0x0000000800c8b440.run         → a.B$$Lambda.run
//	a.B$$Lambda/0x00007f1c.run                    → a.B$$Lambda.run
//	a.B$$Lambda$14/1234567.run                    → a.B$$Lambda.run            (JDK 8)
//	a.B$$Lambda$1+0x00007f04d4000a08/20604687.run → a.B$$Lambda.run            (JDK 17's JFR)
//	….reflect.GeneratedMethodAccessor123.invoke   → ….reflect.GeneratedMethodAccessor.invoke
//	com.sun.proxy.$Proxy12.call                   → com.sun.proxy.$Proxy.call
//	java.lang.invoke.LambdaForm$MH/0x0000.invoke  → java.lang.invoke.LambdaForm$MH.invoke
//	a.Hidden/0x0000000800c8b440.m                 → a.Hidden.m   (also +0x…, .0x…)
//
// Names it returns are fixed points: normalising twice changes nothing.
func NormalizeFunction(name string) string {
	if !strings.Contains(name, "$$Lambda") && !strings.Contains(name, "LambdaForm$") && !strings.Contains(name, "0x") &&
		!strings.Contains(name, "Accessor") && !strings.Contains(name, "$Proxy") {
		return name
	}
	for {
		short := cutLambda(cutHidden(name))
		for _, prefix := range generated {
			short = cutDigits(short, prefix)
		}
		if len(short) == len(name) {
			return name
		}
		name = short
	}
}

// generated are the names of classes that are numbered as they are made.
var generated = [...]string{"GeneratedMethodAccessor", "GeneratedConstructorAccessor", "GeneratedSerializationConstructorAccessor", "$Proxy"}

// cutHidden drops the address a hidden class has behind its name: a separator,
// 0x and hexadecimal digits up to the end of the class name. Offsets into native
// modules (libc.so+0x1f, libjvm.so+0x10a2b3c4) stay as they are.
func cutHidden(name string) string {
	for from := 0; ; {
		i := strings.Index(name[from:], "0x")
		if i < 0 {
			return name
		}
		i += from
		end := i + 2
		for end < len(name) && isHex(name[end]) {
			end++
		}
		hex := end - i - 2
		// JDK 17 writes both generations at once: B$$Lambda$1+0x0000a08/2060468723.
		if end < len(name) && name[end] == '/' && digits(name, end+1) > end+1 {
			end = digits(name, end+1)
		}
		from = end
		if i == 0 || end < len(name) && name[end] != '.' {
			continue
		}
		// An offset into a module (tacho.AddressFrame) ends the name and has no
		// leading zero; addresses of classes have 16 digits, of which some are.
		if name[i-1] == '+' && end == len(name) && hex > 0 && hex <= 16 && name[i+2] != '0' {
			continue
		}
		least := 8
		if name[i-1] == '/' {
			least = 1
		} else if name[i-1] != '+' && name[i-1] != '.' {
			continue
		}
		if hex >= least {
			name = name[:i-1] + name[end:]
			from = i - 1
		}
	}
}

// cutLambda drops the number of a lambda class, and JDK 8's decimal suffix of
// lambda classes and lambda forms.
func cutLambda(name string) string {
	const lambda = "$$Lambda"
	if i := strings.Index(name, lambda); i >= 0 {
		at := i + len(lambda)
		end := at
		if end < len(name) && name[end] == '$' {
			end = digits(name, end+1)
			if end == at+1 {
				end = at
			}
		}
		if end < len(name) && name[end] == '/' && digits(name, end+1) > end+1 {
			end = digits(name, end+1)
		}
		if end == len(name) || name[end] == '.' {
			name = name[:at] + name[end:]
		}
	}
	if i := strings.Index(name, "LambdaForm$"); i >= 0 {
		if j := strings.IndexByte(name[i:], '/'); j >= 0 {
			at := i + j
			if end := digits(name, at+1); end > at+1 && (end == len(name) || name[end] == '.') {
				name = name[:at] + name[end:]
			}
		}
	}
	return name
}

// cutDigits drops the digits between prefix and the end of the class name.
func cutDigits(name, prefix string) string {
	i := strings.Index(name, prefix)
	if i < 0 {
		return name
	}
	at := i + len(prefix)
	if end := digits(name, at); end > at && (end == len(name) || name[end] == '.') {
		return name[:at] + name[end:]
	}
	return name
}

// digits is where the run of decimal digits from at on ends.
func digits(s string, at int) int {
	for at < len(s) && s[at] >= '0' && s[at] <= '9' {
		at++
	}
	return at
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
