package jfr

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// jdk is an installed JDK: the home of its bin/java, bin/javac and bin/jfr.
type jdk string

func (j jdk) tool(name string) string { return filepath.Join(string(j), "bin", name) }

// jdks are all JDKs on this machine with flight recordings, each once. Real
// recordings are what these tests are about, so a machine without one fails.
func jdks(t testing.TB) []jdk {
	t.Helper()
	homes, err := filepath.Glob("/usr/lib/jvm/*")
	if err != nil {
		t.Fatal(err)
	}
	if h := os.Getenv("JAVA_HOME"); h != "" {
		homes = append(homes, h)
	}
	if p, err := exec.LookPath("javac"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			homes = append(homes, filepath.Dir(filepath.Dir(p)))
		}
	}
	var found []jdk
	seen := map[string]bool{}
	for _, h := range homes {
		h, err := filepath.EvalSymlinks(h)
		if err != nil || seen[h] {
			continue
		}
		seen[h] = true
		j := jdk(h)
		complete := true
		for _, tool := range []string{"java", "javac", "jfr"} {
			if _, err := os.Stat(j.tool(tool)); err != nil {
				complete = false
			}
		}
		if complete {
			found = append(found, j)
		}
	}
	if len(found) == 0 {
		t.Fatal("no JDK with java, javac and jfr under /usr/lib/jvm, $JAVA_HOME or $PATH: install openjdk-17-jdk-headless (apt-get install openjdk-17-jdk-headless)")
	}
	return found
}

// forEachJDK runs a subtest with every JDK.
func forEachJDK(t *testing.T, f func(t *testing.T, j jdk)) {
	for _, j := range jdks(t) {
		t.Run(filepath.Base(string(j)), func(t *testing.T) { f(t, j) })
	}
}

// compile builds a class of testdata and returns the class path.
func (j jdk) compile(t testing.TB, source string) string {
	t.Helper()
	dir := t.TempDir()
	j.run(t, "javac", "-encoding", "UTF-8", "-d", dir, filepath.Join("testdata", source))
	return dir
}

func (j jdk) run(t testing.TB, tool string, args ...string) {
	t.Helper()
	if out, err := exec.Command(j.tool(tool), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
}

// load is the command that runs testdata/Load.java for ms milliseconds and
// records it into file, in chunks of at most one megabyte that are written in
// repository.
func (j jdk) load(t testing.TB, ms int, file, repository string) *exec.Cmd {
	t.Helper()
	return exec.Command(j.tool("java"), "-cp", j.compile(t, "Load.java"), "-Xmx256m", "-Xlog:jfr*=error",
		"-XX:FlightRecorderOptions=maxchunksize=1M,repository="+repository,
		"-XX:StartFlightRecording=filename="+file+",settings=testdata/load.jfc",
		"Load", fmt.Sprint(ms))
}

// recordLoad runs the load to its end and returns the recording's path.
func (j jdk) recordLoad(t testing.TB, ms int) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "load.jfr")
	if out, err := j.load(t, ms, file, filepath.Join(dir, "repository")).CombinedOutput(); err != nil {
		t.Fatalf("java Load: %v\n%s", err, out)
	}
	return file
}
