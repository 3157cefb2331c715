package otlp

import (
	"bytes"
	"net/http"
	"os"
	"reflect"
	"testing"

	"connectrpc.com/connect"

	"tacho"
)

// sums is value by type and leaf function.
func sums(bs []*tacho.Batch) map[string]int64 {
	m := map[string]int64{}
	for _, b := range bs {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				m[p.Type.Name+" "+b.Stack(s.Stack)[0].Function] += s.Value
			}
		}
	}
	return m
}

// The same message by every way in is stored as the same.
func TestProfiles(t *testing.T) {
	pb, err := os.ReadFile("../../format/otlp/testdata/example.pb")
	if err != nil {
		t.Fatal(err)
	}
	js, err := os.ReadFile("../../format/otlp/testdata/example.json")
	if err != nil {
		t.Fatal(err)
	}
	var first map[string]int64
	var target string
	for _, c := range []struct {
		name, contentType, encoding string
		body                        []byte
	}{
		{"protobuf", "application/x-protobuf", "", pb},
		{"zstd", "application/x-protobuf", "zstd", zstded(pb)},
		{"JSON and gzip", "application/json", "gzip", gzipped(js)},
		{"gRPC", "", "", pb},
	} {
		k := &kept{}
		url := serve(t, k).URL
		if c.contentType == "" {
			tr := &http.Transport{Protocols: new(http.Protocols)}
			tr.Protocols.SetUnencryptedHTTP2(true)
			client := connect.NewClient[bytesOf, bytesOf](&http.Client{Transport: tr}, url+profilesProcedure, connect.WithGRPC(), connect.WithCodec(rawCodec{}), connect.WithSendGzip())
			res, err := client.CallUnary(t.Context(), connect.NewRequest(&bytesOf{c.body}))
			if err != nil || len(res.Msg.b) != 0 {
				t.Fatalf("%s: %v %v", c.name, res, err)
			}
			tr.CloseIdleConnections()
		} else {
			r, _ := http.NewRequest(http.MethodPost, url+"/v1development/profiles", bytes.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			r.Header.Set("Content-Encoding", c.encoding)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 200 {
				t.Fatalf("%s: %s", c.name, res.Status)
			}
		}
		got := sums(k.batches)
		if first == nil {
			first, target = got, k.batches[0].Target.String()
			t.Log(target, got)
		}
		if len(got) == 0 || !reflect.DeepEqual(got, first) || k.batches[0].Target.String() != target || k.batches[0].Collector != "otlp" {
			t.Errorf("%s: stored %v for %s, want %v for %s", c.name, got, k.batches[0].Target, first, target)
		}
	}
}
