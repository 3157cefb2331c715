package jvmtest

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tacho"
)

// Seen is one sample as `jfr print` shows it.
type Seen struct {
	Time   int64 // Unix nanoseconds; of an event with a duration, its end
	Thread string
	Value  int64 // duration or weight, 0 for samples of CPU
	Stack  tacho.Stack
}

// Printed is what the JDK's tool prints of a recording's samples, by event
// type. Functions are not normalised.
func Printed(t testing.TB, home, file string) map[string][]Seen {
	t.Helper()
	cmd := exec.Command(home+"/bin/jfr", "print", "--json", "--stack-depth", "64", "--events",
		"ExecutionSample,NativeMethodSample,CPUTimeSample,ThreadPark,JavaMonitorEnter,JavaMonitorWait,ThreadSleep,SocketRead,SocketWrite,FileRead,FileWrite,FileForce,VirtualThreadPinned,ObjectAllocationSample", file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("jfr print: %v", err)
	}
	var doc struct {
		Recording struct {
			Events []struct {
				Type   string
				Values struct {
					StartTime     string
					Duration      string
					Weight        int64
					EventThread   *printedThread
					SampledThread *printedThread
					StackTrace    *struct {
						Frames []struct {
							Method struct {
								Type struct{ Name string }
								Name string
							}
							LineNumber int32
							Type       string
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("jfr print: %v", err)
	}
	kinds := map[string]tacho.FrameKind{"Interpreted": tacho.KindInterpreted, "JIT compiled": tacho.KindJIT, "Inlined": tacho.KindInlined, "Native": tacho.KindNative}
	m := map[string][]Seen{}
	for _, e := range doc.Recording.Events {
		v := e.Values
		if v.StackTrace == nil || len(v.StackTrace.Frames) == 0 {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, v.StartTime)
		if err != nil {
			t.Fatal(err)
		}
		when, value := at.UnixNano(), int64(0)
		if d := isoDuration(t, v.Duration); d > 0 && e.Type != "jdk.ExecutionSample" {
			when, value = when+d, d
		}
		if e.Type == "jdk.ObjectAllocationSample" {
			value = v.Weight
		}
		th := v.EventThread
		if v.SampledThread != nil {
			th = v.SampledThread
		}
		var stack tacho.Stack
		for _, f := range v.StackTrace.Frames {
			stack = append(stack, tacho.Frame{Function: dotted(f.Method.Type.Name) + "." + f.Method.Name,
				Line: max(f.LineNumber, 0), Kind: kinds[f.Type]})
		}
		m[e.Type] = append(m[e.Type], Seen{when, th.name(), value, stack})
	}
	return m
}

// dotted is a class name with dots for the slashes between packages, but not
// for the one before the number of a hidden class.
func dotted(class string) string {
	if i := strings.Index(class, "0x"); i > 0 {
		return strings.ReplaceAll(class[:i-1], "/", ".") + class[i-1:]
	}
	return strings.ReplaceAll(class, "/", ".")
}

type printedThread struct {
	OSName       string `json:"osName"`
	JavaName     string `json:"javaName"`
	JavaThreadID int64  `json:"javaThreadId"`
}

func (p *printedThread) name() string {
	if p == nil {
		return "(unknown)"
	}
	if p.JavaName != "" {
		return p.JavaName
	}
	return p.OSName
}

// isoDuration reads PT0.020000000S, PT1M3.5S.
func isoDuration(t testing.TB, s string) int64 {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(s, "PT")))
	if err != nil {
		t.Fatalf("duration %q: %v", s, err)
	}
	return int64(d)
}
