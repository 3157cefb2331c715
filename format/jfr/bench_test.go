package jfr

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tacho/format"
)

// recordSamples records the execution samples of testdata/Samples.java, nearly
// every one of which has a stack of its own: the most a sample can cost.
func recordSamples(t testing.TB, j jdk, ms string) []byte {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "samples.jfr")
	out, err := exec.Command(j.tool("java"), "-cp", j.compile(t, "Samples.java"), "-Xlog:jfr*=error",
		"-XX:FlightRecorderOptions=repository="+filepath.Join(dir, "repository"),
		"-XX:StartFlightRecording=filename="+file+",settings=testdata/samples.jfc", "Samples", ms).CombinedOutput()
	if err != nil {
		t.Fatalf("java Samples: %v\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// repeated is the recording again and again up to about size bytes: chunks one
// after the other are a recording.
func repeated(data []byte, size int) []byte {
	return bytes.Repeat(data, max(1, size/len(data)))
}

// BenchmarkDecodeExecutionSamples decodes real execution samples with all
// their frames. Bound by memory: a frame of 8 bytes becomes one of 96.
func BenchmarkDecodeExecutionSamples(b *testing.B) {
	data := repeated(recordSamples(b, jdks(b)[0], "8000"), 8<<20)
	benchDecode(b, data, Options{Events: []string{"jdk.ExecutionSample"}})
}

// BenchmarkSkip passes over the same bytes wanting nothing of them.
func BenchmarkSkip(b *testing.B) {
	data := repeated(recordSamples(b, jdks(b)[0], "8000"), 8<<20)
	benchDecode(b, data, Options{Events: []string{}})
}

func benchDecode(b *testing.B, data []byte, opt Options) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var events, frames int64
	for b.Loop() {
		events, frames = 0, 0
		_, err := Decode(context.Background(), bytes.NewReader(data), opt, func(e *Event) error {
			events++
			if e.Stack != nil {
				frames += int64(len(e.Stack.Frames))
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events), "events/op")
	b.ReportMetric(float64(frames), "frames/op")
}

// BenchmarkBatches turns the same recording into batches: every stack is interned.
func BenchmarkBatches(b *testing.B) {
	data := repeated(recordSamples(b, jdks(b)[0], "8000"), 8<<20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		bs, rep := batches(b, Decoder(), bytes.NewReader(data), format.Options{})
		if len(bs) == 0 || rep.Samples == 0 {
			b.Fatal(rep)
		}
	}
}
