package hotspot

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeProc is a /proc of files.
type fakeProc struct {
	t   *testing.T
	dir string
}

func (f fakeProc) write(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f fakeProc) process(pid int, comm string, start int, maps string) {
	f.write(fmt.Sprintf("%d/stat", pid), fmt.Sprintf("%d (%s) S 1 1 1 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 20 0 %d 1000 1\n", pid, comm, start))
	f.write(fmt.Sprintf("%d/status", pid), fmt.Sprintf("Name:\t%s\nUid:\t%d\t%d\t0\t0\nGid:\t0\t7\t0\t0\nNSpid:\t%d\t1\nSigCgt:\t2000000181005ccf\n", comm, os.Getuid(), os.Geteuid(), pid))
	f.write(fmt.Sprintf("%d/cmdline", pid), comm+"\x00-cp\x00a b\x00com.acme.Main\x00x\x00y z\x00")
	f.write(fmt.Sprintf("%d/maps", pid), maps)
}

const (
	libjvmLine = "7fa1-7fa2 r-xp 00000000 fe:00 12   /opt/jdk/lib/server/libjvm.so\n"
	perfLine   = "7fa1-7fa2 rw-s 00000000 fe:00 99   /somewhere/tmp/hsperfdata_app/1\n"
	otherLine  = "5500-5501 r-xp 00000000 fe:00 1    /usr/bin/thing\n7ffe-7fff rw-p 00000000 00:00 0 [stack]\n"
)

func pids(t *testing.T, f *Finder) []int {
	t.Helper()
	found, err := f.Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, p := range found {
		out = append(out, p.PID)
	}
	return out
}

func TestFinderRemembers(t *testing.T) {
	proc := fakeProc{t, t.TempDir()}
	now := time.Unix(1000, 0)
	f := &Finder{Proc: proc.dir, Now: func() time.Time { return now }}
	want := func(what string, want ...int) {
		t.Helper()
		if got := pids(t, f); !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", what, got, want)
		}
	}
	proc.process(10, "sh", 100, otherLine)
	proc.process(20, "java", 200, otherLine+libjvmLine)
	proc.write("self/stat", "nonsense")
	proc.write("30/stat", "nonsense")
	want("first look", 20)

	proc.process(10, "sh", 100, otherLine+libjvmLine)
	want("a young process may load the library late", 10, 20)

	proc.process(11, "sh", 100, otherLine)
	want("another", 10, 20)
	now = now.Add(young)
	want("its last look", 10, 20)
	proc.process(11, "sh", 100, otherLine+libjvmLine)
	want("known and not a JVM: not looked at again", 10, 20)
	proc.process(11, "java", 100, otherLine+libjvmLine)
	want("it executed another program", 10, 11, 20)
	proc.process(11, "java", 100, otherLine)
	proc.process(20, "java", 201, otherLine)
	now = now.Add(young)
	want("the pid has a new owner", 10)
	proc.write("10/stat", "10 (sh) Z 1 1 1 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 20 0 100 1000 1\n")
	want("a zombie")
	os.RemoveAll(filepath.Join(proc.dir, "10"))
	want("gone")
	if len(f.seen) != 2 {
		t.Errorf("%d processes remembered, want 2", len(f.seen))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Find(ctx); err == nil {
		t.Error("a cancelled scan succeeds")
	}
	if _, err := (&Finder{Proc: proc.dir + "/none"}).Find(context.Background()); err == nil {
		t.Error("a scan of nothing succeeds")
	}
}

func TestFinderDescribes(t *testing.T) {
	proc := fakeProc{t, t.TempDir()}
	proc.process(10, "java", 100, libjvmLine+perfLine)
	f := &Finder{Proc: proc.dir}
	want := Process{PID: 10, NSPID: 1, StartTicks: 100, UID: os.Geteuid(), GID: 7, Root: proc.dir + "/10/root", MainClass: "com.acme.Main", Args: "x y z",
		LibJVM: "/opt/jdk/lib/server/libjvm.so", PerfFile: "hsperfdata_app/1", perfInode: 99}
	found, err := f.Find(context.Background())
	if err != nil || len(found) != 1 || found[0] != want {
		t.Errorf("found %+v, %v, want %+v", found, err, want)
	}
	// The performance data has the last word, also when it comes later.
	b := perfImage(binary.LittleEndian)
	name := make([]byte, 80)
	binary.LittleEndian.PutUint32(name, 80)
	binary.LittleEndian.PutUint32(name[4:], 20)
	binary.LittleEndian.PutUint32(name[8:], 32)
	name[12] = 'B'
	binary.LittleEndian.PutUint32(name[16:], 44)
	copy(name[20:], "sun.rt.javaCommand")
	copy(name[44:], "org.real.Main arg")
	binary.LittleEndian.PutUint32(b[28:], 3)
	proc.write("10/root/tmp/hsperfdata_app/1", string(append(b, name...)))
	st, err := os.Stat(proc.dir + "/10/root/tmp/hsperfdata_app/1")
	if err != nil {
		t.Fatal(err)
	}
	proc.write("10/maps", libjvmLine+strings.Replace(perfLine, " 99 ", fmt.Sprintf(" %d ", st.Sys().(*syscall.Stat_t).Ino), 1))
	found, err = f.Find(context.Background())
	if err != nil || len(found) != 1 || found[0].MainClass != "org.real.Main" || found[0].Args != "arg" {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestParseStat(t *testing.T) {
	st, err := parseStat([]byte("7 (a) b) S (c) T 1 1 1 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 20 0 4711 1000 1\n"))
	if err != nil || st != (procStat{"a) b) S (c", 'T', 4711}) {
		t.Errorf("%+v, %v", st, err)
	}
	for _, s := range []string{"", "7", "7 (a) S 1", "7 )a( S 1 1 1 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 20 0 4711", "7 (a) S 1 1 1 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 20 0 x 1 1"} {
		if _, err := parseStat([]byte(s)); err == nil {
			t.Errorf("%q passes", s)
		}
	}
}

func TestParseStatus(t *testing.T) {
	s := parseStatus([]byte("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNSpid:\t99\t12\t3\nSigPnd:\t0000000000000004\nShdPnd:\t0000000000000100\nSigCgt:\t2000000181005ccf\n"))
	if s != (procStatus{uid: 2, gid: 6, nspid: 3, pending: 0x104, caught: 0x2000000181005ccf}) {
		t.Errorf("%+v", s)
	}
	if s.caught&sigquitBit == 0 || parseStatus([]byte("SigCgt:\t2000000181005ccb\n")).caught&sigquitBit != 0 {
		t.Error("SIGQUIT is bit 2")
	}
}

func TestParseMaps(t *testing.T) {
	for text, want := range map[string]mapping{
		otherLine:                         {},
		otherLine + libjvmLine + perfLine: {"/opt/jdk/lib/server/libjvm.so", "hsperfdata_app/1", 99},
		"1-2 r-xp 0 fe:00 1 /a b/libjvm.so (deleted)\n1-2 rw-s 0 fe:00 9 /tmp/hsperfdata_x y/77 (deleted)\n": {"/a b/libjvm.so", "hsperfdata_x y/77", 9},
		"1-2 r-xp 0 fe:00 1 /opt/notlibjvm.so\n": {},
	} {
		got, err := parseMaps(bufio.NewScanner(strings.NewReader(text)))
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestVMOptions(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"java -Xmx1g -cp a:b -XX:+X Main -XX:+DisableAttachMechanism", "-Xmx1g -cp a:b -XX:+X"},
		{"java --add-opens java.base/x=ALL-UNNAMED -jar app.jar @x", "--add-opens java.base/x=ALL-UNNAMED"},
		{"java @args -p mods -m m/c", "@args -p mods"},
		{"java -version", "-version"},
		{"java", ""},
		{"", ""},
		{"java -cp", "-cp"},
	} {
		if got := strings.Join(vmOptions(strings.Fields(tt.line)), " "); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.line, got, tt.want)
		}
	}
}

// BenchmarkFind is a scan of this host with everything known: one open, read
// and close of /proc/PID/stat a process; the limit is system calls.
func BenchmarkFind(b *testing.B) {
	now := time.Unix(0, 0)
	f := &Finder{Now: func() time.Time { return now }}
	for range 2 {
		if _, err := f.Find(context.Background()); err != nil {
			b.Fatal(err)
		}
		now = now.Add(young)
	}
	for b.Loop() {
		if _, err := f.Find(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(f.seen)), "processes")
}
