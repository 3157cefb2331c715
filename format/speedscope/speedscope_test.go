package speedscope_test

import (
	"errors"
	"strings"
	"testing"

	"tacho"
	"tacho/format"
	"tacho/format/formattest"
	"tacho/format/speedscope"
)

var files = []string{"testdata/two.json", "testdata/bytes.json"}

func TestSpeedscope(t *testing.T) { formattest.Run(t, speedscope.Decoder(), files...) }

func FuzzSpeedscope(f *testing.F) { formattest.Fuzz(f, speedscope.Decoder(), files...) }

func TestSaysWhatIsWrong(t *testing.T) {
	profile := func(s string) string {
		return `{"shared": {"frames": [{"name": "a"}, {"name": "b"}]}, "profiles": [` + s + `]}`
	}
	for in, want := range map[string]string{
		profile(`{"type": "sampled", "samples": [[0], [2]], "weights": [1, 1]}`):                                           "speedscope: byte 68: frame 2 of 2",
		profile(`{"type": "sampled", "samples": [[0]], "weights": [1, 1]}`):                                                "speedscope: byte 68: 1 samples with 2 weights",
		profile(`{"type": "sampled", "samples": [[0]], "weights": [-1]}`):                                                  "speedscope: byte 120: weight -1",
		profile(`{"type": "sampled", "samples": [[-1]]}`):                                                                  "speedscope: byte 103: frame -1",
		profile(`{"type": "evented", "events": [{"type": "C", "frame": 0, "at": 1}]}`):                                     "speedscope: byte 68: event 0 closes frame 0, which is not the innermost open one",
		profile(`{"type": "evented", "events": [{"type": "O", "frame": 0, "at": 2}, {"type": "O", "frame": 1, "at": 1}]}`): "speedscope: byte 68: event 1 is at 1, before the one before it",
		profile(`{"type": "evented", "events": [{"frame": 0, "at": 2}]}`):                                                  "speedscope: byte 120: an event that neither opens nor closes a frame",
		`{"shared": {}}`:                "speedscope: byte 14: no profiles",
		profile("") + "x":               `speedscope: byte 71: 'x' after the last value`,
		`{"profiles": [{"samples": [[0`: "speedscope: byte 29: the input ends inside a value: unexpected EOF",
	} {
		res := formattest.Decode(speedscope.Decoder(), strings.NewReader(in), formattest.Options())
		if res.Err == nil || res.Err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, res.Err, want)
		}
	}
}

func TestTypeFromOptions(t *testing.T) {
	o := formattest.Options()
	o.Type = tacho.Alloc
	res := formattest.Decode(speedscope.Decoder(), strings.NewReader(`{"shared":{"frames":[{"name":"a"}]},"profiles":[{"type":"sampled","unit":"none","samples":[[0]]}]}`), o)
	if res.Err != nil || res.Batches[0].Profiles[0].Type != tacho.Alloc || res.Batches[0].Profiles[0].Samples[0].Value != 1 {
		t.Errorf("got %+v", res)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	o := formattest.Options()
	o.Limits.Memory = 1000
	var limit *format.LimitError
	in := `{"shared":{"frames":[{"name":"a"}]},"profiles":[{"samples":[` + strings.Repeat("[0],", 500) + `[0]]}]}`
	res := formattest.Decode(speedscope.Decoder(), strings.NewReader(in), o)
	if !errors.As(res.Err, &limit) || limit.Limit != format.LimitMemory {
		t.Errorf("got %v", res.Err)
	}
}
