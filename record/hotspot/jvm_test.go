package hotspot

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"tacho"
)

func problemOf(err error) *Problem {
	var p *Problem
	errors.As(err, &p)
	return p
}

func TestAttachAndAsk(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java"})
		p := c.process()
		if p.PID != c.cmd.Process.Pid || p.NSPID != p.PID || p.MainClass != "Target" || p.Args != c.tag || p.UID != os.Geteuid() || p.Denied {
			t.Errorf("found %+v", p)
		}
		began := time.Now()
		j := attach(t, p)
		t.Logf("first attach took %v", time.Since(began))
		v := j.Version()
		if !strings.Contains(home, v.JDK[:2]) || v.Major != 17 && v.Major != 25 || !strings.Contains(v.VM, "64-Bit Server VM") || !strings.HasPrefix(v.Build, v.JDK) {
			t.Errorf("version %+v of %s", v, home)
		}
		if want := map[int]string{17: "", 25: "streaming=0"}[v.Major]; j.proto.options != want {
			t.Errorf("protocol %+v, want options %q", j.proto, want)
		}
		ctx := context.Background()
		props, err := j.Properties(ctx)
		if err != nil || props["java.specification.version"] != strings.Split(v.JDK, ".")[0] || props["line.separator"] != "\n" {
			t.Errorf("properties: %v, %v", err, props)
		}
		_, err = j.Jcmd(ctx, "No.such")
		var refused *CommandError
		if !errors.As(err, &refused) || refused.Code == 0 || !strings.Contains(refused.Text, "Unknown diagnostic command") {
			t.Errorf("unknown command: %v", err)
		}
		long := strings.Repeat("x", 300<<10)
		if _, err = j.Jcmd(ctx, long); KindOf(err) != TooLong {
			t.Errorf("a command of 300 KiB: %v", err)
		}
		if _, err = j.Jcmd(ctx, "VM.version "+long[:1013]); !errors.As(err, &refused) {
			t.Errorf("a command of 1,024 bytes must reach the JVM: %v", err)
		}
		began = time.Now()
		again := attach(t, p)
		t.Logf("second attach took %v", time.Since(began))
		again.Close()
		if _, err := again.Jcmd(ctx, "VM.version"); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		c.end(quiet)
		if _, err := j.Jcmd(ctx, "VM.version"); KindOf(err) != Gone {
			t.Errorf("after the end of the JVM: %v", err)
		}
	})
}

func TestThreadDumpOfRealJVM(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java"})
		j := attach(t, c.process())
		began := time.Now()
		d, err := j.ThreadDump(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d threads in %v", len(d.Threads), time.Since(began))
		byName := map[string]Thread{}
		for _, th := range d.Threads {
			byName[th.Name] = th
			if th.NID == 0 {
				t.Errorf("thread %q without nid", th.Name)
			}
			if _, err := os.Stat(j.p.dir() + "/task/" + itoa(th.NID)); err != nil {
				t.Errorf("thread %q: %v", th.Name, err)
			}
		}
		for _, name := range []string{"pool \"a\" [x] #7 prio=5 tid=0x1", "two\nlines \"quoted", "", "http-nio-8080-exec-2"} {
			th, ok := byName[name]
			if !ok || th.State != "WAITING" || th.Detail != "parking" || !th.Daemon || th.JavaID == 0 || th.Prio != 5 {
				t.Errorf("thread %q: %v %+v", name, ok, th)
			}
		}
		if th := byName["blocked"]; th.State != "BLOCKED" || len(th.Frames) == 0 || !strings.HasPrefix(th.Frames[0].Function, "Target.lambda$main$") {
			t.Errorf("blocked: %+v", th)
		}
		deep := byName["deep"]
		if len(deep.Frames) != 512 || !d.Cut {
			t.Errorf("deep has %d frames, cut %v", len(deep.Frames), d.Cut)
		}
		if f := deep.Frames[0]; f != (tacho.Frame{Function: f.Function, Module: "java.base", Kind: tacho.KindNative}) || !strings.HasSuffix(f.Function, "Unsafe.park") {
			t.Errorf("leaf %+v", f)
		}
		if f := deep.Frames[500]; f != (tacho.Frame{Function: "Target.recurse", File: "Target.java", Line: 14}) {
			t.Errorf("frame 500 %+v", f)
		}
		if vm := byName["VM Thread"]; vm.State != "" || vm.JavaID != 0 || vm.Frames != nil {
			t.Errorf("VM Thread: %+v", vm)
		}
		c.end(quiet)
	})
}

func itoa(n int64) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}
