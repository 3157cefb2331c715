package hotspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func socketPath(p Process) string { return p.HostPath(fmt.Sprintf("/tmp/.java_pid%d", p.NSPID)) }

// TestAttachOptions: what every start option of the JVM makes of an attach.
func TestAttachOptions(t *testing.T) {
	argfile := filepath.Join(t.TempDir(), "args")
	if err := os.WriteFile(argfile, []byte("-Dx=y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const off = "-XX:+DisableAttachMechanism"
	for _, tt := range []struct {
		name string
		jvm  []string
		env  []string
		want ProblemKind
		out  string // printed by the JVM itself about its options
	}{
		{name: "disabled", jvm: []string{off}, want: AttachDisabled},
		{name: "disabled, no perf data", jvm: []string{"-XX:-UsePerfData", off}, want: AttachDisabled},
		{name: "disabled by JAVA_TOOL_OPTIONS, no perf data", jvm: []string{"-XX:-UsePerfData"}, env: []string{"JAVA_TOOL_OPTIONS=" + off},
			want: AttachDisabled, out: "Picked up JAVA_TOOL_OPTIONS: " + off + "\n"},
		{name: "disabled by JDK_JAVA_OPTIONS, no perf data", jvm: []string{"-XX:-UsePerfData"}, env: []string{`JDK_JAVA_OPTIONS="` + off + `"`},
			want: AttachDisabled, out: "NOTE: Picked up JDK_JAVA_OPTIONS: \"" + off + "\"\n"},
		{name: "disabled by _JAVA_OPTIONS, private perf data", jvm: []string{"-XX:+PerfDisableSharedMem"}, env: []string{"_JAVA_OPTIONS=" + off},
			want: AttachDisabled, out: "Picked up _JAVA_OPTIONS: " + off + "\n"},
		{name: "argument file, no perf data", jvm: []string{"-XX:-UsePerfData", "@" + argfile}, want: AttachUnproven},
		{name: "argument file", jvm: []string{"@" + argfile}},
		{name: "no perf data", jvm: []string{"-XX:-UsePerfData"}},
		{name: "private perf data", jvm: []string{"-XX:+PerfDisableSharedMem"}},
		{name: "the option as an argument of the program", jvm: []string{"-XX:-UsePerfData", "-Dnote=x"}},
		{name: "reduced signals", jvm: []string{"-Xrs"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachJDK(t, func(t *testing.T, home string) {
				c := startChild(t, childOptions{java: home + "/bin/java", jvm: tt.jvm, env: tt.env})
				p := c.process()
				if p.MainClass != "Target" || p.Args != c.tag {
					t.Errorf("found %q %q", p.MainClass, p.Args)
				}
				j, err := Attach(context.Background(), p, Options{Timeout: 30 * time.Second})
				if tt.want == "" {
					if err != nil {
						t.Fatal(err)
					}
					defer j.Close()
					if _, err := j.ThreadDump(context.Background()); err != nil {
						t.Error(err)
					}
				} else {
					wantProblem(t, err, tt.want)
					if _, err := os.Lstat(socketPath(p)); err == nil {
						t.Error("the JVM has opened its socket all the same")
					}
				}
				c.end(tt.out + quiet)
			})
		})
	}
}

// TestForeignPerfData: the file under a JVM's name in a shared /tmp may be
// another JVM's, and say what is not true of this one.
func TestForeignPerfData(t *testing.T) {
	argfile := filepath.Join(t.TempDir(), "args")
	if err := os.WriteFile(argfile, []byte("-XX:+DisableAttachMechanism\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java", jvm: []string{"@" + argfile}})
		p := c.process()
		_, err := Attach(context.Background(), p, Options{})
		wantProblem(t, err, AttachDisabled)
		file := p.HostPath("/tmp/" + p.PerfFile)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, index, err := parsePerf(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		at := index.texts["sun.rt.jvmCapabilities"][0]
		if b[at] != '0' {
			t.Fatalf("capabilities %.64q", b[at:])
		}
		b[at] = '1'
		if err := errors.Join(os.Remove(file), os.WriteFile(file, b, 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err = Attach(context.Background(), p, Options{})
		wantProblem(t, err, AttachUnproven)
		c.end(quiet)
		os.Remove(file)
	})
}

// TestNoSignalWithoutHandler: -Xrs without a socket is a JVM that SIGQUIT kills.
func TestNoSignalWithoutHandler(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java", jvm: []string{"-Xrs"}})
		p := c.process()
		if err := os.Remove(socketPath(p)); err != nil {
			t.Fatal(err)
		}
		_, err := Attach(context.Background(), p, Options{})
		wantProblem(t, err, Starting)
		c.end(quiet)
	})
}

func TestNotJVM(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	found, err := new(Finder).Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		if p.PID == cmd.Process.Pid {
			t.Errorf("sleep is found to be a JVM: %+v", p)
		}
	}
	dir := fmt.Sprintf("/proc/%d", cmd.Process.Pid)
	st, err := readStat(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Attach(context.Background(), Process{PID: cmd.Process.Pid, NSPID: cmd.Process.Pid, StartTicks: st.start, Root: dir + "/root"}, Options{})
	wantProblem(t, err, NotJVM)
	_, err = Attach(context.Background(), Process{PID: cmd.Process.Pid, NSPID: cmd.Process.Pid, StartTicks: st.start + 1, Root: dir + "/root"}, Options{})
	wantProblem(t, err, Gone)
}

// TestPidReuse: a Process of the past must not lead to the present owner of
// its pid.
func TestPidReuse(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java"})
		p := c.process()
		p.StartTicks--
		_, err := Attach(context.Background(), p, Options{})
		wantProblem(t, err, Gone)
		if _, err := os.Lstat(socketPath(p)); err == nil {
			t.Error("the JVM was signalled")
		}
		c.end(quiet)
	})
}

// TestOtherUser runs this binary as nobody against JVMs of root and of another
// user, and as root against another user's.
func TestOtherUser(t *testing.T) {
	needRoot(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(t.TempDir(), "helper.test")
	if out, err := exec.Command("cp", exe, open).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for d := open; d != "/" && d != "/tmp"; d = filepath.Dir(d) {
		os.Chmod(d, 0o755)
	}
	eachJDK(t, func(t *testing.T, home string) {
		for _, uid := range []uint32{0, 12345} {
			t.Run(fmt.Sprintf("uid%d", uid), func(t *testing.T) {
				c := startChild(t, childOptions{java: home + "/bin/java", uid: uid})
				cmd := exec.Command(open)
				cmd.Env = append(os.Environ(), "HOTSPOT_TEST_HELPER=attach", fmt.Sprintf("HOTSPOT_TEST_PID=%d", c.cmd.Process.Pid))
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("helper: %v: %s", err, out)
				}
				var got Problem
				if err := json.Unmarshal(out, &got); err != nil {
					t.Fatalf("helper said %q: %v", out, err)
				}
				wantProblem(t, &got, NotPermitted)
				if want := fmt.Sprintf("Process %d belongs to uid %d and this agent runs as uid 65534.", c.cmd.Process.Pid, uid); got.Reason != want {
					t.Errorf("reason %q, want %q", got.Reason, want)
				}
				p := c.process()
				if p.UID != int(uid) {
					t.Errorf("uid %d, want %d", p.UID, uid)
				}
				j := attach(t, p)
				if err := j.StartRecording(context.Background(), Recording{Name: "tacho", JFC: settingsFile(map[string]string{"jdk.ThreadSleep#enabled": "true"})}); err != nil {
					t.Error(err)
				}
				c.end(quiet)
			})
		}
	})
}

// helperMain is this binary run as another user: it finds the JVM, attaches
// and prints the Problem.
func helperMain(string) int {
	found, err := new(Finder).Find(context.Background())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, p := range found {
		if fmt.Sprint(p.PID) != os.Getenv("HOTSPOT_TEST_PID") {
			continue
		}
		_, err := Attach(context.Background(), p, Options{})
		var problem *Problem
		if !errors.As(err, &problem) {
			fmt.Println("not a problem:", err)
			return 1
		}
		problem.Err = nil
		json.NewEncoder(os.Stdout).Encode(problem)
		return 0
	}
	fmt.Println("not found among", len(found))
	return 1
}

func TestReadOnlyTmp(t *testing.T) {
	needRoot(t)
	eachJDK(t, func(t *testing.T, home string) {
		for name, mount := range map[string]string{
			"read-only bind":        "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp",
			"read-only after start": "mount -t tmpfs none /tmp", // possible while the JVM has no file open in it
		} {
			t.Run(name, func(t *testing.T) {
				dir, err := classes()
				if err != nil {
					t.Fatal(err)
				}
				// /tmp is where the classes lie too: seen again under /mnt.
				script := "mount --bind " + dir + " /mnt && " + mount + ` && exec "$@"`
				c := startChild(t, childOptions{java: home + "/bin/java", prefix: []string{"unshare", "-m", "sh", "-c", script, "sh"}, jvm: []string{"-cp", "/mnt", "-XX:+PerfDisableSharedMem"}})
				p := c.process()
				if name == "read-only after start" {
					if out, err := exec.Command("nsenter", "-m", "-t", fmt.Sprint(p.PID), "mount", "-o", "remount,ro", "/tmp").CombinedOutput(); err != nil {
						t.Fatalf("%v: %s", err, out)
					}
				}
				_, err = Attach(context.Background(), p, Options{})
				problem := wantProblem(t, err, ReadOnlyTmp)
				if !strings.Contains(problem.Reason, "mounted read-only") {
					t.Errorf("reason %q", problem.Reason)
				}
				c.end(quiet)
			})
		}
	})
}

// TestBakedOptions: options that jlink put into the runtime image show on no
// command line.
func TestBakedOptions(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		for options, want := range map[string]ProblemKind{"-XX:-UsePerfData -XX:+DisableAttachMechanism": AttachUnproven, "-Dx=y": ""} {
			image := filepath.Join(t.TempDir(), "image")
			if out, err := exec.Command(home+"/bin/jlink", "--add-modules", "java.base", "--add-options="+options, "--output", image).CombinedOutput(); err != nil {
				t.Skipf("jlink of %s: %v: %s", home, err, out)
			}
			c := startChild(t, childOptions{java: image + "/bin/java"})
			p := c.process()
			j, err := Attach(context.Background(), p, Options{Timeout: 30 * time.Second})
			if want != "" {
				wantProblem(t, err, want)
			} else if err != nil {
				t.Error(err)
			} else {
				j.Close()
			}
			if baked, err := bakedOptions(p); err != nil || !baked {
				t.Errorf("%s: %v, %v", options, baked, err)
			}
			c.end(quiet)
		}
		if baked, err := bakedOptions(Process{Root: "/", LibJVM: home + "/lib/server/libjvm.so"}); err != nil || baked {
			t.Errorf("%s: %v, %v", home, baked, err)
		}
		f, err := os.Open(home + "/lib/modules")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for base, want := range map[string]bool{"VMSupport": false, "VMSupport.class": false, "options": false} {
			if has, err := imageHas(f, "java.base", "jdk/internal/vm", base); err != nil || has != want {
				t.Errorf("%s: %v, %v", base, has, err)
			}
		}
	})
}
