package otlp

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/zstd"

	"tacho/ingest"
)

const (
	tracesProcedure   = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	profilesProcedure = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
)

// maxWindow is how much memory one zstd frame may ask for.
const maxWindow = 8 << 20

// bytesOf is a message as its bytes: both services decode them in their own way.
type bytesOf struct{ b []byte }

// rawCodec passes messages through. connect reuses what it hands over.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(m any) ([]byte, error) {
	x, ok := m.(*bytesOf)
	if !ok {
		return nil, fmt.Errorf("encode a %T: not a message of this service", m)
	}
	return x.b, nil
}

func (rawCodec) Unmarshal(b []byte, m any) error {
	x, ok := m.(*bytesOf)
	if !ok {
		return fmt.Errorf("decode into a %T: not a message of this service", m)
	}
	x.b = append([]byte(nil), b...)
	return nil
}

// unzstd is zstd as connect wants it.
type unzstd struct{ *zstd.Decoder }

func (z unzstd) Close() error { return z.Decoder.Reset(nil) } // it comes back by Reset

type tenantKey struct{}

// grpc serves one signal over gRPC (and gRPC-Web and Connect).
func (s *server) grpc(procedure, via string, do export) http.Handler {
	h := connect.NewUnaryHandler(procedure, func(ctx context.Context, req *connect.Request[bytesOf]) (*connect.Response[bytesOf], error) {
		tenant, _ := ctx.Value(tenantKey{}).(string)
		not, err := do(ctx, message{body: req.Msg.b, tenant: tenant, sender: req.Peer().Addr})
		s.in.Count(via, err)
		if err != nil {
			return nil, asConnect(err)
		}
		return connect.NewResponse(&bytesOf{not.protobuf()}), nil
	},
		connect.WithCodec(rawCodec{}),
		connect.WithReadMaxBytes(int(s.in.BodyBytes())),
		connect.WithCompression("zstd", func() connect.Decompressor {
			// Without a reader nothing can go wrong but the options.
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
			if err != nil {
				panic(err)
			}
			return unzstd{z}
		}, func() connect.Compressor {
			z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
			if err != nil {
				panic(err)
			}
			return z
		}),
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, err := s.in.Tenant(r)
		if err != nil {
			s.in.Count(via, err)
			_ = connect.NewErrorWriter().Write(w, r, asConnect(err)) // the client is gone if this fails
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tenantKey{}, tenant)))
	})
}

func asConnect(err error) error {
	r := ingest.Refuse(err)
	return connect.NewError(connect.Code(grpcCode(r.Status)), errors.New(r.Sentence))
}
