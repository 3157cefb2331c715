package hotspot

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseCheck(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []RecordingInfo
		err        string
	}{
		{"none", "No available recordings.\n\nUse jcmd 15288 JFR.start to start a recording.\n", nil, ""},
		{"17 and 25", "Recording 1: name=tacho maxsize=10.0MB maxage=90s (running)\n\nRecording 2: name=two maxsize=2.9MB maxage=26h (stopped)\n\nRecording 33: name=with (running)\n",
			[]RecordingInfo{{ID: 1, Name: "tacho", State: "running", MaxSize: 10 << 20, MaxAge: 90 * time.Second},
				{ID: 2, Name: "two", State: "stopped", MaxSize: 3040870, MaxAge: 26 * time.Hour}, {ID: 33, Name: "with", State: "running"}}, ""},
		{"names that look like fields", "Recording 4: name=my rec (1) maxage=x maxsize=2 maxage=3m duration=1d (new)\n",
			[]RecordingInfo{{ID: 4, Name: "my rec (1) maxage=x", State: "new", MaxSize: 2, MaxAge: 3 * time.Minute, Duration: 24 * time.Hour}}, ""},
		{"11", "Recording 1: name=1 maxsize=250.0MB (running)\n", []RecordingInfo{{ID: 1, Name: "1", State: "running", MaxSize: 250 << 20}}, ""},
		{"8", "Recording: recording=1 name=\"HotSpot default\" maxage=15m (running)\r\n", []RecordingInfo{{ID: 1, Name: "HotSpot default", State: "running", MaxAge: 15 * time.Minute}}, ""},
		{"verbose", "Recording 1: name=a (running)\n\n Java Sample (jdk.ExecutionSample)\n   [period=20 ms,enabled=true]\n", []RecordingInfo{{ID: 1, Name: "a", State: "running"}}, ""},
		{"empty", "", nil, "lists no recordings"},
		{"something else", "Error: what\n", nil, "lists no recordings"},
		{"no state", "No available recordings\nRecording 1: name=a\n", nil, `offset 24: "Recording 1: name=a\n"`},
		{"bad id", "Recording x: name=a (running)\n", nil, "offset 0"},
	} {
		got, err := parseCheck(tt.text)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s:\n%+v, %v, want\n%+v", tt.name, got, err, tt.want)
		}
	}
	if _, err := parseCheck(strings.Repeat("Recording 1: name=a (running)\n", maxRecordings+1)); err == nil {
		t.Error("more recordings than the limit pass")
	}
}

func TestJFRUnits(t *testing.T) {
	for s, want := range map[string]time.Duration{"90s": 90 * time.Second, "500ms": 500 * time.Millisecond, "3us": 3000, "7ns": 7, "1d": 24 * time.Hour,
		"s": -1, "": -1, "5": -1, "-1s": -1, "999999999999d": -1, "1.5s": -1} {
		got, ok := jfrDuration(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
	for s, want := range map[string]int64{"10.0MB": 10 << 20, "512B": 512, "7": 7, "1.5kB": 1536, "2GB": 2 << 30, "1TB": 1 << 40,
		"": -1, "MB": -1, "1XB": -1, "1.2.3MB": -1, "99999999999999999999TB": -1} {
		got, ok := jfrSize(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
}

func TestParseProperties(t *testing.T) {
	m := parseProperties([]byte("#Sun Nov 22\njava.version=17.0.15\nline.separator=\\n\na\\ b\\:c=x=y\\\\z\\u00e9\\t\\uD83D\r\njdk.jfr.repository=/tmp/2026_11_22\\=x\nlone\nbad=\\u12\\"))
	want := map[string]string{"java.version": "17.0.15", "line.separator": "\n", "a b:c": "x=y\\zé\t\uFFFD", "jdk.jfr.repository": "/tmp/2026_11_22=x", "lone": "", "bad": "u12\\"}
	if fmt.Sprintf("%q", m) != fmt.Sprintf("%q", want) {
		t.Errorf("%q\nwant\n%q", m, want)
	}
}

func TestSettingsFile(t *testing.T) {
	got := string(settingsFile(map[string]string{"jdk.B#threshold": "10 ms", "jdk.A#enabled": "true", "jdk.B#enabled": `<"&`}))
	want := `<?xml version="1.0" encoding="UTF-8"?>
<configuration version="2.0" label="Tacho">
  <event name="jdk.A">
    <setting name="enabled">true</setting>
  </event>
  <event name="jdk.B">
    <setting name="enabled">&lt;&#34;&amp;</setting>
    <setting name="threshold">10 ms</setting>
  </event>
</configuration>
`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Recording 1: name=tacho duration=1m maxsize=10.0MB maxage=90s (running)\n")
	f.Add("Recording: recording=1 name=\"a\" (running)\n")
	f.Add("No available recordings.\n")
	f.Fuzz(func(t *testing.T, text string) {
		rs, err := parseCheck(text)
		if err != nil && rs != nil {
			t.Fatal("both")
		}
		for _, r := range rs {
			if r.MaxAge < 0 || r.Duration < 0 || r.MaxSize < 0 || r.MaxSize == math.MaxInt64 {
				t.Fatalf("%+v", r)
			}
		}
		parseProperties([]byte(text))
	})
}
