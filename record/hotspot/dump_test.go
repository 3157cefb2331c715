package hotspot

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tacho"
)

var update = flag.Bool("update", false, "write the golden files anew")

func render(d *Dump) string {
	var b strings.Builder
	fmt.Fprintf(&b, "vm %s\n", d.VM)
	for _, t := range d.Threads {
		fmt.Fprintf(&b, "%q id=%d nid=%d prio=%d daemon=%v virtual=%v carrying=%d cpu=%v elapsed=%v status=%q state=%q detail=%q\n",
			t.Name, t.JavaID, t.NID, t.Prio, t.Daemon, t.Virtual, t.Carrying, t.CPU, t.Elapsed, t.Status, t.State, t.Detail)
		for _, f := range t.Frames {
			fmt.Fprintf(&b, "  %s | %s:%d | %s | %s\n", f.Function, f.File, f.Line, f.Module, f.Kind)
		}
	}
	return b.String()
}

// TestDumpGolden: dumps of real JVMs (see testdata/README) with names that
// contain quotes, brackets, "#7", line ends, and nothing.
func TestDumpGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/dump-*.txt")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := parseDump(b, defaultDumpLimits)
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(file, ".txt") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(render(d)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got := render(d); got != string(want) {
			t.Errorf("%s differs from %s:\n%s", file, golden, got)
		}
	}
}

func TestParseHeader(t *testing.T) {
	for line, want := range map[string]Thread{
		`"main" #1 prio=5 os_prio=0 tid=0x00007f nid=0x3bbb waiting on condition [0x00007f]`:// JDK 8
		{Name: "main", JavaID: 1, Prio: 5, NID: 0x3bbb, Status: "waiting on condition"},
		`"a "b" [1] #7 prio=9 nid=0x1" #21 [6228] daemon prio=5 os_prio=0 cpu=1.50ms elapsed=61.25s allocated=12K defined_classes=3 tid=0x00007f nid=6228 runnable  [0x00007f]`: {
			Name: `a "b" [1] #7 prio=9 nid=0x1`, JavaID: 21, Prio: 5, NID: 6228, Daemon: true, CPU: 1500 * time.Microsecond, Elapsed: 61250 * time.Millisecond, Status: "runnable"},
		`"G1 Conc#0" os_prio=0 cpu=0.10ms elapsed=3.40s tid=0x00007f nid=0x12 runnable  `: {Name: "G1 Conc#0", NID: 0x12, CPU: 100 * time.Microsecond, Elapsed: 3400 * time.Millisecond, Status: "runnable"},
		`"carrier" #25 [17738] daemon prio=5 os_prio=0 cpu=1ms elapsed=2s tid=0x00007f  [0x00007f]`: {Name: "carrier", JavaID: 25, NID: 17738, Daemon: true, Prio: 5,
			CPU: time.Millisecond, Elapsed: 2 * time.Second},
		`"" #3 tid=0x1 nid=99999999999999999999 x`: {JavaID: 3, NID: 1<<63 - 1, Status: "x"},
	} {
		if got := parseHeader([]byte(line)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s\n%+v, want\n%+v", line, got, want)
		}
	}
}

func TestParseFrame(t *testing.T) {
	for line, want := range map[string]tacho.Frame{
		"com.acme.Foo.bar(Foo.java:12)":                                 {Function: "com.acme.Foo.bar", File: "Foo.java", Line: 12},
		"com.acme.Foo.bar(Foo.java)":                                    {Function: "com.acme.Foo.bar", File: "Foo.java"},
		"java.lang.Thread.sleep(java.base@17.0.15/Native Method)":       {Function: "java.lang.Thread.sleep", Module: "java.base", Kind: tacho.KindNative},
		"java.lang.Thread.sleep(Native Method)":                         {Function: "java.lang.Thread.sleep", Kind: tacho.KindNative},
		"A$$Lambda/0x00007f01.run(java.base@25.0.3/Unknown Source)":     {Function: "A$$Lambda/0x00007f01.run", Module: "java.base"},
		"Main$.$anonfun$main$1(Main.scala:7)":                           {Function: "Main$.$anonfun$main$1", File: "Main.scala", Line: 7},
		"jdk.internal.misc.Unsafe.park(java.base@25.0.3/Unsafe.java:x)": {Function: "jdk.internal.misc.Unsafe.park", Module: "java.base", File: "Unsafe.java:x"},
		"odd":                     {Function: "odd"},
		"(":                       {Function: "("},
		"()":                      {},
		"a.b(X.java:99999999999)": {Function: "a.b", File: "X.java:99999999999"},
		"a.\xff(X.java:1)":        {Function: "a.\uFFFD", File: "X.java", Line: 1},
	} {
		if got := parseFrame(strings.ToValidUTF8(line, "\uFFFD")); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

func TestDumpLimits(t *testing.T) {
	b := "2026-11-22 02:29:24\nFull thread dump X:\n\n" + strings.Repeat("\"t\" #1 prio=5 tid=0x1 nid=0x1 runnable\n   java.lang.Thread.State: RUNNABLE\n"+
		strings.Repeat("\tat a.b(C.java:1)\n", 10)+"\n", 10)
	for _, tt := range []struct {
		lim             dumpLimits
		threads, frames int
		cut             bool
	}{
		{dumpLimits{100, 100, 1000}, 10, 100, false},
		{dumpLimits{4, 100, 1000}, 4, 40, true},
		{dumpLimits{100, 3, 1000}, 10, 30, true},
		{dumpLimits{100, 100, 25}, 10, 25, true},
	} {
		d, err := parseDump([]byte(b), tt.lim)
		if err != nil {
			t.Fatal(err)
		}
		frames := 0
		for _, th := range d.Threads {
			frames += len(th.Frames)
		}
		if len(d.Threads) != tt.threads || frames != tt.frames || d.Cut != tt.cut {
			t.Errorf("%+v: %d threads, %d frames, cut %v", tt.lim, len(d.Threads), frames, d.Cut)
		}
	}
	if _, err := parseDump([]byte("hello\n"), defaultDumpLimits); err == nil {
		t.Error("a text that is no dump passes")
	}
}

func FuzzDump(f *testing.F) {
	for _, file := range []string{"testdata/dump-17.txt", "testdata/dump-25.txt"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("Full thread dump \n\"a\nb\" os_prio=0\n   Mounted virtual thread #1\n\tat ()\n"))
	lim := dumpLimits{threads: 50, depth: 20, frames: 300}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDump(b, lim)
		if err != nil {
			return
		}
		frames := 0
		for _, th := range d.Threads {
			if len(th.Frames) > lim.depth {
				t.Fatalf("%d frames", len(th.Frames))
			}
			frames += len(th.Frames)
		}
		if len(d.Threads) > lim.threads || frames > lim.frames {
			t.Fatalf("%d threads, %d frames", len(d.Threads), frames)
		}
	})
}

func BenchmarkParseDump(b *testing.B) {
	text, err := os.ReadFile("testdata/dump-25.txt")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := parseDump(text, defaultDumpLimits); err != nil {
			b.Fatal(err)
		}
	}
}
