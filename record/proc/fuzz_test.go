package proc

import (
	"strings"
	"testing"
)

// Whatever the bytes, no parser panics, and what it accepts is in range.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{
		"1500000000 20000000 321\n",
		"4711 (a) b (c\n) S 1 4711 4711 0 -1 4194304 100 0 0 0 150 1 0 0 20 0 3 0 900 0 0",
		"Name:\tjava\nNSpid:\t4711\t17\n",
		"11:cpuset:/a\n0::/b (deleted)\n",
		"1 2 0:1 / /sys/fs\\040x rw shared:1 - cgroup2 x rw,cpu\n",
		"0-3,8,10-11",
		"\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x18\x00\x041234\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseSchedstat(fileName{dir: "f"}, b); err == nil && (s.cpu < 0 || s.wait < 0 || s.slices < 0) {
			t.Errorf("negative: %+v", s)
		}
		if s, err := parseStat(fileName{dir: "f"}, b); err == nil && (s.ticks < 0 || s.ticks*nsPerTick < 0) {
			t.Errorf("negative ticks: %+v", s)
		}
		if id, ok, err := parseNSpid(fileName{dir: "f"}, b); ok && (err != nil || id < 0) {
			t.Errorf("NSpid %d with %v", id, err)
		}
		if gs, err := parseCgroup("f", string(b)); err == nil {
			for _, g := range gs {
				if !strings.HasPrefix(g.path, "/") {
					t.Errorf("path %q", g.path)
				}
				if id := containerID(g.path); id != "" && len(id) != 64 {
					t.Errorf("container %q", id)
				}
			}
		}
		if _, id, err := parseMounts(view{mountinfo: "f"}, string(b)); err == nil && id != "" && len(id) != 64 {
			t.Errorf("container %q", id)
		}
		if n, err := countCPUs("f", string(b)); err == nil && n <= 0 {
			t.Errorf("%d processors", n)
		}
		for _, id := range appendTasks(nil, b) {
			if id <= 0 {
				t.Errorf("thread %d", id)
			}
		}
	})
}
