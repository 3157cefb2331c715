package symbol

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tacho"
)

// compiled builds testdata/calls.cpp with the flags; the test is skipped where
// there is no C++ compiler.
func compiled(t testing.TB, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath("g++"); err != nil {
		t.Skip("no g++ on this machine: apt-get install g++")
	}
	out := filepath.Join(t.TempDir(), "calls")
	run(t, "g++", append(flags, "-O2", "-Wl,--build-id", "-o", out, "testdata/calls.cpp")...)
	return out
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *Store, path string) File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := s.Put(t.Context(), filepath.Base(path), f)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// function is where a program's function is: its first offset in the file and its
// size, by the symbol table.
func function(t testing.TB, path, name string) (offset, address, size uint64) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range syms {
		if strings.Contains(s.Name, name) && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			sec := f.Sections[s.Section]
			return s.Value - sec.Addr + sec.Offset, s.Value, s.Size
		}
	}
	t.Fatalf("%s has no function %s", path, name)
	return 0, 0, 0
}

// TestAgreesWithAddr2line compares every instruction byte of a function with
// inlined calls with what binutils says, in several ways to keep debug
// information.
func TestAgreesWithAddr2line(t *testing.T) {
	if _, err := exec.LookPath("addr2line"); err != nil {
		t.Skip("no addr2line on this machine: apt-get install binutils")
	}
	for name, flags := range map[string][]string{
		"DWARF 5":           {"-g", "-gdwarf-5"},
		"DWARF 4":           {"-g", "-gdwarf-4"},
		"compressed":        {"-g", "-gz=zlib"},
		"fixed addresses":   {"-g", "-no-pie"},
		"function sections": {"-g", "-ffunction-sections"},
	} {
		t.Run(name, func(t *testing.T) {
			path := compiled(t, flags...)
			s := open(t)
			f := put(t, s, path)
			if !f.Lines || len(f.IDs) != 2 || len(f.IDs[0]) != 40 {
				t.Errorf("got %+v", f)
			}
			inlined := 0
			for _, fn := range []string{"CalcImE3run", "plain_c", "main"} {
				offset, address, size := function(t, path, fn)
				var args []string
				for i := range size {
					args = append(args, fmt.Sprintf("0x%x", address+i))
				}
				want := addr2line(t, path, args)
				for i := range size {
					st, ok := s.Frames(tacho.AddressFrame("/srv/calls", f.IDs[0], offset+i, tacho.KindNative))
					if !ok {
						t.Fatalf("nothing known of %s+%d", fn, i)
					}
					var got []string
					for _, x := range st {
						got = append(got, fmt.Sprintf("%s %s:%d", x.Function, filepath.Base(x.File), x.Line))
						if x.Module != "/srv/calls" {
							t.Fatalf("module %q", x.Module)
						}
					}
					if g, w := strings.Join(got, " < "), want[i]; g != w {
						t.Errorf("%s+%d: got %s, addr2line says %s", fn, i, g, w)
					}
					if len(st) > 2 {
						inlined++
					}
				}
			}
			if inlined < 5 {
				t.Errorf("only %d addresses inlined two deep: nothing is proved", inlined)
			}
		})
	}
}

// addr2line is its answer in our form, one for each address.
func addr2line(t *testing.T, path string, addrs []string) []string {
	t.Helper()
	out := run(t, "addr2line", append([]string{"-a", "-i", "-f", "-C", "-e", path}, addrs...)...)
	var all []string
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i := 0; i < len(lines); {
		i++ // the address
		var frames []string
		for ; i+1 < len(lines) && !strings.HasPrefix(lines[i], "0x"); i += 2 {
			name, _, _ := strings.Cut(lines[i], "(")
			file, line, _ := strings.Cut(filepath.Base(lines[i+1]), ":")
			line, _, _ = strings.Cut(line, " ") // (discriminator 2)
			if line == "?" {
				line = "0"
			}
			frames = append(frames, fmt.Sprintf("%s %s:%s", name, file, line))
		}
		all = append(all, strings.Join(frames, " < "))
	}
	return all
}

// TestDebugFile: a program without debug information, and its debug file.
func TestDebugFile(t *testing.T) {
	path := compiled(t, "-g")
	offset, _, _ := function(t, path, "CalcImE3run")
	debug, bare := path+".debug", path+".bare"
	run(t, "objcopy", "--only-keep-debug", path, debug)
	run(t, "strip", "-o", bare, path)
	run(t, "strip", "-g", path)
	s := open(t)
	if _, err := s.Put(t.Context(), "bare", reader(t, bare)); err == nil || !strings.Contains(err.Error(), "no symbols in it (stripped?)") {
		t.Errorf("a stripped program: %v", err)
	}
	names := put(t, s, path)
	frame := tacho.AddressFrame("calls", names.IDs[0], offset, tacho.KindNative)
	if st, ok := s.Frames(frame); names.Lines || !ok || len(st) != 1 || st[0].Function != "acme::Calc<unsigned long>::run" || st[0].Line != 0 {
		t.Errorf("of the symbol table: %+v, %+v", names, st)
	}
	f := put(t, s, debug)
	if f.IDs[0] != names.IDs[0] || !f.Lines {
		t.Fatalf("got %+v of %+v", f, names)
	}
	if st, ok := s.Frames(frame); !ok || st[len(st)-1].Function != "acme::Calc<unsigned long>::run" || filepath.Base(st[0].File) != "calls.cpp" {
		t.Errorf("got %+v, %t", st, ok)
	}
	if again := put(t, s, path); !again.Lines {
		t.Errorf("the program without lines took the place of its debug file: %+v", again)
	}
}

func reader(t *testing.T, path string) *bytes.Reader {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

// TestGo: a Go program with DWARF, with its pclntab only, and Go's build id.
func TestGo(t *testing.T) {
	dir := t.TempDir()
	src := "package main\n\nimport \"fmt\"\n\n//go:noinline\nfunc work(n int) int {\n\tif n == 0 {\n\t\treturn 1\n\t}\n\treturn work(n-1) + 1\n}\n\nfunc main() {\n\tfmt.Println(work(3))\n}\n"
	for name, text := range map[string]string{"main.go": src, "go.mod": "module calls\n\ngo 1.24\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, flags := range map[string]string{"DWARF": "", "pclntab": "-s -w"} {
		out := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", flags, "-o", out, ".")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, b)
		}
		full := filepath.Join(dir, "DWARF")
		if name == "pclntab" { // the same code, at the same place
			if _, err := os.Stat(full); err != nil {
				cmd := exec.Command("go", "build", "-trimpath", "-o", full, ".")
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
				if b, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("go build: %v\n%s", err, b)
				}
			}
		}
		_, address, size := function(t, full, "main.work")
		s := open(t)
		f := put(t, s, out)
		e, err := elf.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		text := e.Section(".text")
		e.Close()
		lines := map[int32]int{}
		for i := range size {
			st, ok := s.Frames(tacho.AddressFrame("calls", f.IDs[0], address+i-text.Addr+text.Offset, tacho.KindUnknown))
			if !ok || st[0].Function != "main.work" || !strings.HasSuffix(st[0].File, "calls/main.go") {
				t.Fatalf("%s, main.work+%d: %+v, %t", name, i, st, ok)
			}
			lines[st[0].Line]++
		}
		if lines[6] == 0 || lines[7] == 0 || lines[8] == 0 || lines[10] == 0 || len(lines) > 5 {
			t.Errorf("%s: lines %v", name, lines)
		}
	}
}

func TestDemangle(t *testing.T) {
	for in, want := range map[string]string{
		"_ZN4acme4CalcImE3runEmRKSs":                     "acme::Calc<unsigned long>::run",
		"_ZNSt6vectorIiSaIiEE9push_backERKi":             "std::vector<int, std::allocator<int> >::push_back",
		"_ZN3foo3barEv.part.0":                           "foo::bar",
		"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE": "core::fmt::Formatter::pad",
		"_RNvNtCs1234_7mycrate3foo3bar":                  "mycrate::foo::bar",
		"memcpy@@GLIBC_2.14":                             "memcpy@@GLIBC_2.14",
		"main":                                           "main",
		"":                                               "",
		"_Z":                                             "_Z",
		"_Z" + strings.Repeat("N", 20_000):               "_Z" + strings.Repeat("N", 20_000),
		"_ZNK3JVM4waitEv@@LIB":                           "JVM::wait",
	} {
		if got := Demangle(in); got != want {
			t.Errorf("%.60q: got %.80q, want %.80q", in, got, want)
		}
	}
}

// TestHostile: damaged programs are errors, never panics, whatever is damaged.
func TestHostile(t *testing.T) {
	path := compiled(t, "-g")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := Limits{}.withDefaults()
	for n := 1; n < len(data); n *= 2 {
		build(bytes.NewReader(data[:n]), int64(n), l)
	}
	rnd := uint64(1)
	for range 300 {
		bad := bytes.Clone(data)
		for range 8 {
			rnd = rnd*6364136223846793005 + 1442695040888963407
			at := rnd >> 33 % uint64(len(bad))
			if rnd>>20&3 == 0 { // where the headers are
				at %= 4096
			}
			bad[at] = byte(rnd >> 25)
		}
		build(bytes.NewReader(bad), int64(len(bad)), l)
	}
	small := Limits{DWARF: 1, Tables: 1, Ranges: 1, Names: 2, Upload: 10}
	if _, err := build(bytes.NewReader(data), int64(len(data)), small); err == nil || !strings.Contains(err.Error(), "larger than the limit") {
		t.Errorf("everything over its limit: %v", err)
	}
	b, err := build(bytes.NewReader(data), int64(len(data)), Limits{Ranges: 5}.withDefaults())
	if err != nil || len(b.notes) == 0 {
		t.Errorf("five ranges: %v, notes %v", err, b)
	}
	if _, err := build(strings.NewReader("#!/bin/sh\n"), 10, l); err != ErrNotELF {
		t.Errorf("a script: %v", err)
	}
}

func FuzzELF(f *testing.F) {
	if exe, err := os.ReadFile("/bin/true"); err == nil && len(exe) < 64<<10 {
		f.Add(exe)
	}
	f.Add([]byte(elf.ELFMAG + "\x02\x01\x01" + strings.Repeat("\x00", 60)))
	l := Limits{DWARF: 1 << 20, Tables: 1 << 20, Ranges: 1 << 12, Names: 1 << 12}.withDefaults()
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := build(bytes.NewReader(data), int64(len(data)), l)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := b.write(&out, "x"); err != nil {
			t.Fatal(err)
		}
		x, err := openIndex(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.ranges[:min(len(b.ranges), 50)] {
			if _, err := x.lookup(r.start, ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}
