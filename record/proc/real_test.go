package proc

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
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

// A process that is number 1 of a pid namespace of its own.
func TestInnerNumberInARealNamespace(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if err := cmd.Start(); err != nil {
		t.Skipf("may not make a pid namespace: %v", err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	th, err := Open("/proc", cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer th.Close()
	got, err := th.Read(nil)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d threads, %v; want one", len(got), err)
	}
	if got[0].TID != int64(cmd.Process.Pid) || got[0].NSTID != 1 {
		t.Errorf("thread %d is %d inside, want %d and 1", got[0].TID, got[0].NSTID, cmd.Process.Pid)
	}
}
