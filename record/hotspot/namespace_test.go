package hotspot

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOtherNamespaces(t *testing.T) {
	needRoot(t)
	eachJDK(t, func(t *testing.T, home string) {
		dir, err := classes()
		if err != nil {
			t.Fatal(err)
		}
		// A /tmp of its own, and a working directory that exists only inside.
		script := "mount --bind " + dir + " /mnt && mount -t tmpfs none /tmp && mount -t tmpfs none /srv && cd /srv && exec \"$@\""
		c := startChild(t, childOptions{java: home + "/bin/java", jvm: []string{"-cp", "/mnt"},
			prefix: []string{"unshare", "-pmf", "--mount-proc", "sh", "-c", script, "sh"}})
		p := c.process()
		if p.PID == p.NSPID || p.NSPID == 0 || p.NSPID > 10 {
			t.Errorf("pid %d, inside %d", p.PID, p.NSPID)
		}
		if p.MainClass != "Target" || !strings.HasSuffix(p.LibJVM, "/libjvm.so") || p.PerfFile == "" {
			t.Errorf("found %+v", p)
		}
		j := attach(t, p)
		ctx := context.Background()
		if err := j.StartRecording(ctx, Recording{Name: "tacho", JFC: settingsFile(map[string]string{"jdk.ThreadSleep#enabled": "true"})}); err != nil {
			t.Fatal(err)
		}
		repo, err := j.Repository(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(repo); err == nil {
			t.Errorf("%s exists on our side too: the test shows nothing", repo)
		}
		d, err := p.OpenInside(repo, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		names, err := d.Readdirnames(-1)
		d.Close()
		if err != nil || len(names) == 0 || !strings.HasSuffix(names[0], ".jfr") {
			t.Errorf("repository: %v, %v", names, err)
		}
		dump, err := j.ThreadDump(ctx)
		if err != nil || len(dump.Threads) < 10 {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(p.Root + "/srv/.attach*"); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if left, _ := filepath.Glob(p.Root + "/tmp/tacho-*"); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		c.end(quiet)
	})
}

// TestUserNamespace: root outside is nobody inside, and the JVM refuses it. The
// same switch of ids is what JDK 8 needs from root.
func TestUserNamespace(t *testing.T) {
	needRoot(t)
	eachJDK(t, func(t *testing.T, home string) {
		dir, err := classes()
		if err != nil {
			t.Fatal(err)
		}
		work, err := os.MkdirTemp("", "hotspot-userns-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(work)
		if err := os.Chown(work, 200000, 200000); err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		c := &child{t: t, tag: "tag-" + filepath.Base(work), dir: work, out: out.Name()}
		c.cmd = exec.Command(home+"/bin/java", "-Xmx48m", "-cp", dir, "Target", c.tag)
		c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = work, out, out
		c.cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:                 syscall.CLONE_NEWUSER,
			UidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: 200000, Size: 1000}},
			GidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: 200000, Size: 1000}},
			GidMappingsEnableSetgroups: true,
			Credential:                 &syscall.Credential{Uid: 0, Gid: 0},
		}
		if c.stdin, err = c.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := c.cmd.Start(); err != nil {
			t.Skipf("no user namespaces here: %v", err)
		}
		t.Cleanup(c.kill)
		c.until("ready\n", func(s string) bool { return strings.Contains(s, "ready\n") })
		p := c.process()
		if p.UID != 200000 || p.GID != 200000 {
			t.Errorf("ids %d, %d", p.UID, p.GID)
		}
		// Starting a child with other ids has cleared it: it shares our memory
		// until it executes.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		j := attach(t, p)
		if !j.dial.asTarget {
			t.Error("the JVM took a client it sees as nobody: the test shows nothing")
		}
		ctx := context.Background()
		if err := j.StartRecording(ctx, Recording{Name: "tacho", JFC: settingsFile(map[string]string{"jdk.ThreadSleep#enabled": "true"})}); err != nil {
			t.Error(err)
		}
		if _, err := j.ThreadDump(ctx); err != nil {
			t.Error(err)
		}
		// Every thread of ours is what it was.
		tids, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, tid := range tids {
			s, err := readStatus("/proc/self/task/" + tid.Name())
			if err == nil && (s.uid != 0 || s.gid != 0) {
				t.Errorf("thread %s runs as %d, %d", tid.Name(), s.uid, s.gid)
			}
		}
		if n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || n != 1 {
			t.Errorf("dumpable %d, %v", n, err)
		}
		c.end(quiet)
	})
}

func TestOpenInsideStaysInside(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(root+"/dir", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/dir/f", []byte("inside"), 0o644); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(secret, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"abs": "/dir", "out": filepath.Dir(secret), "up": "../../../../.." + filepath.Dir(secret)} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	p := Process{Root: root}
	for path, want := range map[string]string{"/dir/f": "inside", "/abs/f": "inside", "/out/f": "", "/up/f": "", "/../dir/f": "inside", "/../.." + secret: ""} {
		f, err := p.OpenInside(path, unix.O_RDONLY, 0)
		if want == "" {
			if err == nil {
				f.Close()
				t.Errorf("%s leads outside", path)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		b, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(b) != want {
			t.Errorf("%s holds %q, %v", path, b, err)
		}
	}
	if got, want := p.HostPath("/a/../../b"), root+"/b"; got != want {
		t.Errorf("host path %s, want %s", got, want)
	}
}
