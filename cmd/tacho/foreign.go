package main

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"syscall"

	"tacho/format"
	"tacho/format/all"
	"tacho/ingest"
	"tacho/ingest/otlp"
	"tacho/ingest/pyroscope"
	"tacho/ingest/upload"
	"tacho/symbol"
)

// foreignFlags are those of what senders other than our own agent speak.
type foreignFlags struct {
	otlpHTTP, otlpGRPC string
	maxUpload          sizeFlag
}

func (k *foreignFlags) add(f *flags) {
	k.maxUpload = 4 << 30
	f.StringVar(&k.otlpHTTP, "otlp-http", "127.0.0.1:4318", "take OTLP over HTTP on `ADDR`; empty: only on the main one")
	f.StringVar(&k.otlpGRPC, "otlp-grpc", "127.0.0.1:4317", "take OTLP over gRPC on `ADDR`; empty: only on the main one")
	f.Var(&k.maxUpload, "max-upload", "refuse files and profiles of more than `SIZE`, decompressed")
}

// foreignRoutes are the handlers of other senders, by path on the main listener
// and the Unix socket. dir is where files that cannot be read in one go lie
// meanwhile.
func foreignRoutes(in *ingest.Intake, names *symbol.Store, dir string) map[string]http.Handler {
	decoders := all.List()
	profiles := pyroscope.Options{Intake: in, Decoders: decoders}
	m := map[string]http.Handler{"/api/v1/upload": upload.Handler(upload.Options{Intake: in, Decoders: decoders, Dir: dir})}
	symbols := upload.Symbols(upload.SymbolsOptions{Intake: in, Store: names})
	m[upload.SymbolsPath], m[upload.SymbolsPath+"/"] = symbols, symbols
	m["/ingest"] = pyroscope.Ingest(profiles)
	m["/pyroscope/ingest"] = m["/ingest"]
	path, push := pyroscope.Push(profiles)
	m[path] = push
	traces := otlp.Handler(otlp.Options{Intake: in})
	for _, path := range otlp.Paths() {
		m[path] = traces
	}
	return m
}

// maxWhole is the largest profile of a format that is read whole, decompressed.
// A few are read at a time, and no more than that is what senders can make the
// server hold.
const maxWhole = 64 << 20

// limits are those of one foreign input.
func (k *foreignFlags) limits() format.Limits {
	l := format.DefaultLimits()
	l.Bytes = int64(k.maxUpload)
	l.Memory = min(maxWhole, l.Bytes)
	return l
}

// listenOTLP opens one of OpenTelemetry's own ports. They are often taken, by a
// collector: that is worth saying and no reason not to start.
func listenOTLP(addr, flag string, log *slog.Logger) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		log.Warn("another program takes OTLP here already; Tacho takes it on its main address only", "address", addr,
			"remedy", "choose another port with "+flag+" ADDR, or let that program export to the main address")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// h2c lets gRPC in without TLS, beside HTTP/1.
func h2c() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}
