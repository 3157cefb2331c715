package hotspot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRecordings(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java"})
		j := attach(t, c.process())
		ctx := context.Background()
		if rs, err := j.Recordings(ctx); err != nil || len(rs) != 0 {
			t.Fatalf("a fresh JVM has recordings %v, %v", rs, err)
		}
		if _, err := j.Repository(ctx); !errors.Is(err, ErrNoRepository) {
			t.Errorf("repository before the first recording: %v", err)
		}
		many := map[string]string{"jdk.ExecutionSample#enabled": "true", "jdk.ExecutionSample#period": "20 ms"}
		for i := range 60 {
			many[fmt.Sprintf("jdk.NoSuchEvent%d#enabled", i)] = "true"
		}
		began := time.Now()
		for _, r := range []Recording{
			{Name: "inline", MaxSize: 10 << 20, MaxAge: 90 * time.Second, Settings: map[string]string{
				"jdk.ExecutionSample#enabled": "true", "jdk.ExecutionSample#period": "20 ms", "jdk.CPUTimeSample#enabled": "true",
				"jdk.OldObjectSample#enabled": "true", "jdk.NoSuchEvent#enabled": "true"}},
			{Name: "many", MaxSize: 3_000_000, MaxAge: 26 * time.Hour, Settings: many},
			{Name: "jfc", JFC: []byte(`<?xml version="1.0" encoding="UTF-8"?><configuration version="2.0">
				<event name="jdk.ThreadSleep"><setting name="enabled">true</setting><setting name="threshold">10 ms</setting></event>
				<event name="jdk.NoSuchEvent"><setting name="nonsense">7</setting></event></configuration>`)},
			{Name: "jfc", MaxAge: time.Minute, Settings: map[string]string{}},
		} {
			if err := j.StartRecording(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("four starts in %v", time.Since(began))
		rs, err := j.Recordings(ctx)
		want := []RecordingInfo{
			{ID: 1, Name: "inline", State: "running", MaxSize: 10 << 20, MaxAge: 90 * time.Second},
			{ID: 2, Name: "many", State: "running", MaxSize: 3040870, MaxAge: 26 * time.Hour}, // "2.9MB"
			{ID: 3, Name: "jfc", State: "running", MaxSize: 250 << 20},
			{ID: 4, Name: "jfc", State: "running", MaxAge: time.Minute},
		}
		if err != nil || fmt.Sprint(rs) != fmt.Sprint(want) {
			t.Errorf("recordings\n%v\nwant\n%v (%v)", rs, want, err)
		}
		for name, setting := range map[string]string{"inline": "period=20 ms", "many": "period=20 ms", "3": "threshold=10 ms"} {
			text, err := j.Jcmd(ctx, "JFR.check verbose=true name="+name)
			if err != nil || !strings.Contains(text, setting) {
				t.Errorf("settings of %s lack %q: %v\n%s", name, setting, err, text)
			}
		}
		dir, err := j.Repository(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if chunks, _ := filepath.Glob(filepath.Join(j.Process().HostPath(dir), "*.jfr")); len(chunks) == 0 {
			t.Errorf("repository %s holds no chunk", dir)
		}
		f, err := j.Process().OpenInside(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		dump := filepath.Join(c.dir, "with blank.jfr")
		if err := j.DumpRecording(ctx, "inline", dump); err != nil {
			t.Error(err)
		}
		if b, err := os.ReadFile(dump); err != nil || !strings.HasPrefix(string(b), "FLR\x00") {
			t.Errorf("dump %v, %.4q", err, b)
		}
		if err := j.DumpRecording(ctx, "nobody", dump); !errors.Is(err, ErrNoRecording) {
			t.Errorf("dump of a recording that is not there: %v", err)
		}
		for _, name := range []string{"inline", "many", "jfc"} { // of the two named jfc, one
			if err := j.StopRecording(ctx, name); err != nil {
				t.Error(err)
			}
		}
		rs, err = j.Recordings(ctx)
		if err != nil || len(rs) != 1 || rs[0].Name != "jfc" {
			t.Fatalf("after stopping by name: %v, %v", rs, err)
		}
		if err := j.StopRecording(ctx, fmt.Sprint(rs[0].ID)); err != nil {
			t.Error(err)
		}
		if rs, err = j.Recordings(ctx); err != nil || len(rs) != 0 {
			t.Errorf("after stopping by id: %v, %v", rs, err)
		}
		if err := j.StopRecording(ctx, "inline"); !errors.Is(err, ErrNoRecording) {
			t.Errorf("stop twice: %v", err)
		}
		c.end(quiet)
	})
}

func TestRecordingNames(t *testing.T) {
	for name, ok := range map[string]bool{"tacho": true, "tacho-1.2_x": true, "": false, "17": false, "a b": false, `a"`: false, "a,b": false} {
		err := Recording{Name: name, Settings: map[string]string{}}.check()
		if (err == nil) != ok {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for _, r := range []Recording{
		{Name: "a"},
		{Name: "a", JFC: []byte("x"), Settings: map[string]string{}},
		{Name: "a", Settings: map[string]string{"no hash": "1"}},
		{Name: "a", Settings: map[string]string{"e#s": `1" name=x`}},
		{Name: "a", Settings: map[string]string{"e x#s": `1`}},
	} {
		if r.check() == nil {
			t.Errorf("%+v passed", r)
		}
	}
}

func TestNoJFR(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		image := filepath.Join(t.TempDir(), "image")
		if out, err := exec.Command(home+"/bin/jlink", "--add-modules", "java.base", "--output", image).CombinedOutput(); err != nil {
			t.Skipf("jlink of %s: %v: %s", home, err, out)
		}
		c := startChild(t, childOptions{java: image + "/bin/java"})
		j := attach(t, c.process())
		ctx := context.Background()
		p := wantProblem(t, j.StartRecording(ctx, Recording{Name: "tacho", Settings: map[string]string{}}), NoJFR)
		if p.Remedy != "Add jdk.jfr to the jlink --add-modules list of the image." {
			t.Errorf("remedy %q", p.Remedy)
		}
		_, err := j.Recordings(ctx)
		wantProblem(t, err, NoJFR)
		wantProblem(t, j.StopRecording(ctx, "tacho"), NoJFR)
		if _, err := j.Repository(ctx); !errors.Is(err, ErrNoRepository) {
			t.Errorf("repository: %v", err)
		}
		if d, err := j.ThreadDump(ctx); err != nil || len(d.Threads) < 10 {
			t.Errorf("thread dump: %v", err)
		}
		c.end(quiet)

		off := startChild(t, childOptions{java: home + "/bin/java", jvm: []string{"-XX:-FlightRecorder"}})
		_, err = attach(t, off.process()).Recordings(ctx)
		wantProblem(t, err, NoJFR)
		off.end("OpenJDK 64-Bit Server VM warning: Option FlightRecorder was deprecated in version 13.0 and will likely be removed in a future release.\n" + quiet)
	})
}
