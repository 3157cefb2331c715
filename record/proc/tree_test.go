package proc

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"tacho/record"
)

const testContainer = "4f5e0c1d2b3a49586776859493a2b1c0d9e8f70615243342516071829abcdef0"

// tree unpacks testdata/name.txtar: a made-up /proc.
func tree(t *testing.T, name string) string {
	t.Helper()
	ar, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, f := range ar.Files {
		write(t, filepath.Join(root, f.Name), string(f.Data))
	}
	return root
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCgroupLayouts(t *testing.T) {
	tests := []struct {
		tree  string
		pid   int
		want  Limits
		cores float64
	}{
		{"v2-docker", 1234, Limits{
			Version: 2, Path: "/system.slice/docker-" + testContainer + ".scope", Container: testContainer,
			CPUQuota: 150 * time.Millisecond, CPUPeriod: 100 * time.Millisecond,
			Periods: 70, Throttled: 7, ThrottledTime: 777 * time.Microsecond,
			MemoryMax: 512 << 20, MemoryCurrent: 123456789, CPUs: 5,
		}, 1.5},
		{"v2-unlimited", 7, Limits{Version: 2, Path: "/user.slice/run 1.scope", Unknown: []string{"memory", "cpuset"}}, 0},
		{"v1-kubernetes", 99, Limits{
			Version: 1, Path: "/kubepods/burstable/pod1/" + testContainer, Container: testContainer,
			CPUQuota: 50 * time.Millisecond, CPUPeriod: 100 * time.Millisecond,
			Periods: 300, Throttled: 30, ThrottledTime: 3*time.Second + 1,
			MemoryCurrent: 42, CPUs: 1,
		}, 0.5},
		{"hybrid", 5, Limits{
			Version: 1, Path: "/", Container: testContainer,
			MemoryMax: 1 << 20, MemoryCurrent: 4096, Unknown: []string{"cpuset"},
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.tree, func(t *testing.T) {
			got, err := Cgroup(tree(t, tt.tree), tt.pid)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
			if got.Cores() != tt.cores {
				t.Errorf("Cores() = %v, want %v", got.Cores(), tt.cores)
			}
		})
	}
}

// Our own mounts come first, but must not lend the target our container.
func TestCgroupThroughOwnMounts(t *testing.T) {
	root := tree(t, "v2-docker")
	other := strings.Repeat("ab", 32)
	write(t, root+"/1234/cgroup", "0::/plain\n")
	write(t, root+"/own/plain/memory.current", "5\n")
	write(t, root+"/self/mountinfo", "1 2 0:1 / "+root+"/own rw - cgroup2 x rw\n"+
		"1 2 8:1 /var/lib/docker/containers/"+other+"/hosts /etc/hosts rw - ext4 x rw\n")
	got, err := Cgroup(root, 1234)
	if err != nil {
		t.Fatal(err)
	}
	if got.MemoryCurrent != 5 || got.Container != "" || got.Path != "/plain" {
		t.Errorf("got %+v; want 5 bytes of memory at /plain and no container", *got)
	}
}

func TestCgroupBroken(t *testing.T) {
	root := tree(t, "broken")
	for pid, want := range map[int]string{
		1:  `/1/cgroup:2:1: "1:cpu" is not ID:CONTROLLERS:PATH`,
		2:  `/2/cgroup:1:4: path "relative" does not start with /`,
		3:  `/3/cgroup names neither a cpu controller nor a unified hierarchy`,
		4:  `/4/root/sys/fs/cgroup mounts /c`,
		5:  `/5/root/cg/a/cpu.max:1:1: "plenty" is not a number`,
		6:  `/6/root/cg/a/cpu.max:1:1: period 0 is not positive`,
		7:  `/7/root/cg/a/cpuset.cpus.effective:1:5: "9-5" is not a range of processors`,
		8:  `/8/mountinfo:1:1: "garbage" is not a mount`,
		9:  `/9/root/cg/a/cpu.stat:2:14: "many" is not a number`,
		10: `process is gone`,
	} {
		l, err := Cgroup(root, pid)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("process %d: %+v, %v; want an error with %s", pid, l, err, want)
		}
		if pid == 10 && !errors.Is(err, ErrGone) {
			t.Errorf("process %d: %v is not ErrGone", pid, err)
		}
	}
}

func TestThreadsOfATree(t *testing.T) {
	root := tree(t, "threads")
	th, err := Open(root, 4711)
	if err != nil {
		t.Fatal(err)
	}
	defer th.Close()
	leader := record.ThreadTime{TID: 4711, NSTID: 17, Comm: "java", CPU: 1_500_000_000, Wait: 20_000_000, Start: 900}
	odd := record.ThreadTime{TID: 4720, NSTID: 26, Comm: "a) b (c", CPU: 2_800_000_000, Wait: 5, Start: 950}
	read := func(want ...record.ThreadTime) {
		t.Helper()
		got, err := th.Read(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("got %d threads, want %d: %+v", len(got), len(want), got)
		}
		for _, w := range want {
			if g, _ := find(got, w.TID); g != w {
				t.Errorf("got  %+v\nwant %+v", g, w)
			}
		}
	}
	read(leader, odd)
	write(t, root+"/4711/task/4720/schedstat", "2800000009 6 8\n")
	odd.CPU, odd.Wait = 2_800_000_009, 6
	read(leader, odd)
	if err := os.RemoveAll(root + "/4711/task/4720"); err != nil {
		t.Fatal(err)
	}
	read(leader)
	if p, err := th.Process(); err != nil || p != 2_810_000_000 {
		t.Errorf("Process() = %d, %v; want 2810000000", p, err)
	}
	if !th.Precise() {
		t.Error("Precise() = false with schedstat present")
	}
	if h, err := HostFacts(root); err != nil || h != (Host{"orders-7", "11111111-2222-3333-4444-555555555555"}) {
		t.Errorf("HostFacts = %+v, %v", h, err)
	}
}

func TestWithoutSchedInfo(t *testing.T) {
	for name, spoil := range map[string]func(root string){
		"no file": func(root string) {
			os.Remove(root + "/4711/task/4711/schedstat")
			os.Remove(root + "/4711/task/4720/schedstat")
		},
		"zeros": func(root string) {
			write(t, root+"/4711/task/4711/schedstat", "0 0 0\n")
			write(t, root+"/4711/task/4720/schedstat", "0 0 0\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, "threads")
			spoil(root)
			th, err := Open(root, 4711)
			if err != nil {
				t.Fatal(err)
			}
			defer th.Close()
			if th.Precise() {
				t.Error("Precise() = true")
			}
			got, err := th.Read(nil)
			if err != nil {
				t.Fatal(err)
			}
			want := record.ThreadTime{TID: 4720, NSTID: 26, Comm: "a) b (c", CPU: 1_300_000_000, Start: 950}
			if g, _ := find(got, 4720); g != want || len(got) != 2 {
				t.Errorf("got  %+v (of %d)\nwant %+v (of 2)", g, len(got), want)
			}
		})
	}
}

func TestReusedNumberWithoutHeldDescriptor(t *testing.T) {
	root := tree(t, "threads")
	th, err := Open(root, 4711)
	if err != nil {
		t.Fatal(err)
	}
	defer th.Close()
	th.limit = 0
	if _, err := th.Read(nil); err != nil {
		t.Fatal(err)
	}
	write(t, root+"/4711/task/4720/schedstat", "10 0 1\n")
	write(t, root+"/4711/task/4720/stat", "4720 (new) R 1 4711 4711 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 2000 0 0\n")
	write(t, root+"/4711/task/4720/comm", "new\n")
	got, err := th.Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := record.ThreadTime{TID: 4720, NSTID: 26, Comm: "new", CPU: 10, Start: 2000}
	if g, _ := find(got, 4720); g != want {
		t.Errorf("got  %+v\nwant %+v", g, want)
	}
}

func TestBrokenThreadFiles(t *testing.T) {
	for _, tt := range []struct{ file, text, want string }{
		{"task/4720/schedstat", "12 x 3\n", `task/4720/schedstat:1:4: run-queue wait: "x" is not a number`},
		{"task/4720/schedstat", "12\n", `task/4720/schedstat:1:4: ends before run-queue wait`},
		{"task/4720/schedstat", "99999999999999999999 0 0\n", `does not fit into 63 bits`},
		{"task/4720/stat", "4720 java S", `task/4720/stat:1:1: no ")" after the name`},
		{"task/4720/stat", "4720 (java) S 1 2", `task/4720/stat:1:18: ends before field`},
		{"task/4720/status", "Name:\tx\nNSpid:\t4720\tsix\n", `task/4720/status:2:13: thread number: "six" is not a number`},
	} {
		root := tree(t, "threads")
		write(t, root+"/4711/"+tt.file, tt.text)
		th, err := Open(root, 4711)
		if err == nil {
			_, err = th.Read(nil)
			th.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %q: error %v, want %s", tt.file, tt.text, err, tt.want)
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v is not a SyntaxError", tt.file, err)
		}
	}
}
