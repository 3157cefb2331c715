package asyncprof

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tacho"
)

// What a recording of format/jfr/testdata/small.jfr comes to: samples, sum and
// unit of each type.
var fixtureSums = map[string]string{
	"async_wall": "409 2388675792 nanoseconds", "async_lock": "26 251801505 nanoseconds",
	"async_alloc": "126 238705856 bytes", "async_native": "18 360000000 nanoseconds",
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want string // options of start, or of the error what is in it
	}{
		{Rule{Service: "a"}, "start,event=wall,jfr,file=F,log=L,timeout=90"},
		{Rule{Service: "a", Event: "cpu", Interval: time.Millisecond, Length: 10 * time.Second}, "start,event=cpu,interval=1000000,jfr,file=F,log=L,timeout=40"},
		{Rule{Service: "a", Event: "alloc", Bytes: 512 << 10}, "start,alloc=524288,jfr,file=F,log=L,timeout=90"},
		{Rule{Service: "a", Event: "alloc"}, "start,event=alloc,jfr,file=F,log=L,timeout=90"},
		{Rule{Service: "a", Event: "lock", Interval: 10 * time.Microsecond}, "start,lock=10000,jfr,file=F,log=L,timeout=90"},
		{Rule{Service: "a", Event: "nativemem", Bytes: 1 << 20}, "start,nativemem=1048576,jfr,file=F,log=L,timeout=90"},

		{Rule{}, "service is missing"},
		{Rule{Service: "("}, "missing closing )"},
		{Rule{Service: "a", Event: "cpu,file=/etc/passwd"}, "is not known: want cpu, itimer, ctimer, wall, alloc, lock, nativemem"},
		{Rule{Service: "a", Length: time.Hour}, "length 1h0m0s: want 1s to 10m0s"},
		{Rule{Service: "a", Length: time.Minute, Every: time.Minute}, "every 1m0s: want at least 1s more than its length of 1m0s"},
		{Rule{Service: "a", Event: "alloc", Interval: time.Second}, "alloc is sampled by bytes"},
		{Rule{Service: "a", Event: "wall", Bytes: 5}, "wall is sampled by time"},
		{Rule{Service: "a", Interval: time.Microsecond}, "want at least 100µs"},
		{Rule{Service: "a", Library: "lib.so"}, "want an absolute path"},
	} {
		r, err := c.rule.filled()
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = r.start("F", "L", guard)
		}
		if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s, want %s", c.rule, got, c.want)
		}
	}
}

func TestMatching(t *testing.T) {
	rules := []Rule{{Service: "orders-.*", Event: "wall"}, {Service: "orders-eu|mail", Event: "alloc"}}
	for service, want := range map[string]string{"orders-eu": "wall alloc", "orders-us": "wall", "mail": "alloc", "my-orders-eu": "", "mails": ""} {
		var events []string
		for _, r := range Matching(rules, service) {
			events = append(events, r.Event)
		}
		if got := strings.Join(events, " "); got != want {
			t.Errorf("%s: %q, want %q", service, got, want)
		}
	}
}

// Of wall mode, what ran and what slept is one type; nothing keeps the name of a
// type the JVM's own recording has.
func TestOwnTypes(t *testing.T) {
	batch := func() *tacho.Batch {
		return &tacho.Batch{Events: []tacho.Event{{Kind: "gc.pause"}}, Series: []tacho.Series{{Name: "x"}}, Profiles: []tacho.Profile{
			{Type: tacho.CPU, Samples: []tacho.Sample{{Value: 1}}}, {Type: tacho.OffCPU, Samples: []tacho.Sample{{Value: 2}, {Value: 3}}},
			{Type: tacho.ValueType{Name: "live", Unit: "bytes"}}}}
	}
	for event, want := range map[string]string{"wall": "[async_wall:3 async_live:0]", "cpu": "[async_cpu:1 async_offcpu:2 async_live:0]"} {
		b := batch()
		own(b, event)
		var got []string
		for _, p := range b.Profiles {
			got = append(got, fmt.Sprintf("%s:%d", p.Type.Name, len(p.Samples)))
		}
		if fmt.Sprint(got) != want || b.Events != nil || b.Series != nil {
			t.Errorf("%s: %v, want %s; %d events, %d series", event, got, want, len(b.Events), len(b.Series))
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ text, said, want string }{
		{"return code: 0\n", "", ""},
		{"0\n", "", ""}, // JDK 8
		{"return code: 200\n", "[ERROR] Profiler already started\n", "Somebody else is recording process 7 with async-profiler."},
		{"return code: 200\n", "[ERROR] Profiler is not active\n", "Somebody else ended the recording of process 7 with async-profiler before its time."},
		{"100\n", "", "async-profiler refuses to record process 7: code 100."},
		{"return code: -1\n", "[ERROR] a\x00b\n\x1b[31mc.\n", "async-profiler refuses to record process 7: a b [31mc."},
		{"", "", "The JVM in process 7 cannot load /x.so: it does not say why."},
		{"/x.so was not loaded.\n/x.so: cannot open shared object file\n", "", "The JVM in process 7 cannot load /x.so: /x.so: cannot open shared object file."},
	} {
		err := loaded(7, "/x.so", c.text, c.said)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.text, c.said, got, c.want)
		}
	}
	if n := len(oneLine(strings.Repeat("é", 1000))); n > maxSaid+len("…") {
		t.Errorf("%d bytes of what somebody else wrote", n)
	}
}
