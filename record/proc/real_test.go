package proc

import (
	"os"
	"runtime"
	"testing"
)

// Whatever layout this machine has, its own process must be readable in it.
func TestCgroupOfThisProcess(t *testing.T) {
	l, err := Cgroup("/proc", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", *l)
	if l.Version != 1 && l.Version != 2 {
		t.Errorf("version %d", l.Version)
	}
	if l.Path == "" || l.Path[0] != '/' {
		t.Errorf("path %q", l.Path)
	}
	if l.CPUs != 0 && l.CPUs < runtime.NumCPU() {
		t.Errorf("cpuset leaves %d processors, the scheduler gave us %d", l.CPUs, runtime.NumCPU())
	}
}

func TestHostFactsOfThisHost(t *testing.T) {
	h, err := HostFacts("/proc")
	if err != nil {
		t.Fatal(err)
	}
	name, err := os.Hostname()
	if err != nil || h.Name != name {
		t.Errorf("host name %q, the system call says %q (%v)", h.Name, name, err)
	}
	if len(h.BootID) != 36 {
		t.Errorf("boot id %q is not a UUID", h.BootID)
	}
}
