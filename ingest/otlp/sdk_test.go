package otlp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The OpenTelemetry SDK for Go as anyone uses it, over both protocols, with and
// without compression: what is stored is what it recorded.
func TestSDK(t *testing.T) {
	for name, exporter := range map[string]func(ctx context.Context, addr string) (*otlptrace.Exporter, error){
		"http": func(ctx context.Context, addr string) (*otlptrace.Exporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(addr), otlptracehttp.WithInsecure())
		},
		"http and gzip": func(ctx context.Context, addr string) (*otlptrace.Exporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(addr), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		},
		"grpc": func(ctx context.Context, addr string) (*otlptrace.Exporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(addr), otlptracegrpc.WithInsecure())
		},
		"grpc and gzip": func(ctx context.Context, addr string) (*otlptrace.Exporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(addr), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := &kept{}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			exp, err := exporter(ctx, strings.TrimPrefix(serve(t, k).URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exp), sdktrace.WithResource(sdkresource.NewSchemaless(
				attribute.String("service.name", "cart"), attribute.String("service.instance.id", "cart-1"), attribute.String("deployment.environment.name", "prod"),
				attribute.StringSlice("process.command_args", []string{"a", "b"}))))
			ctx, parent := p.Tracer("shop/checkout").Start(ctx, "POST /cart", trace.WithSpanKind(trace.SpanKindServer))
			_, child := p.Tracer("shop/checkout").Start(ctx, "SELECT", trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(trace.Link{SpanContext: parent.SpanContext()}))
			child.SetAttributes(attribute.String("db.system", "postgresql"), attribute.Int("rows", 7), attribute.Bool("cached", false), attribute.StringSlice("tables", []string{"cart", "item"}), attribute.String("kind", "theirs"))
			child.RecordError(errors.New("deadlock"))
			child.SetStatus(codes.Error, "deadlock detected")
			time.Sleep(2 * time.Millisecond)
			child.End()
			parent.End()
			if err := p.Shutdown(ctx); err != nil {
				t.Fatal(err)
			}
			spans, events := k.events("span"), k.events("trace.event")
			if len(spans) != 2 || len(events) != 1 {
				t.Fatalf("%d spans and %d events: %+v", len(spans), len(events), k.batches)
			}
			if got, want := k.batches[0].Target.String(), `{deployment_environment="prod", instance="cart-1", service_name="cart"}`; got != want {
				t.Errorf("target %s, want %s", got, want)
			}
			c, r := spans[0], spans[1] // in the order in which they end
			pc, cc := parent.SpanContext(), child.SpanContext()
			for k, want := range map[string]string{
				"trace_id": cc.TraceID().String(), "span_id": cc.SpanID().String(), "parent_id": pc.SpanID().String(), "kind": "client", "exported_kind": "theirs",
				"status": "error", "status_message": "deadlock detected", "scope": "shop/checkout", "links": pc.TraceID().String() + "/" + pc.SpanID().String(),
				"db.system": "postgresql", "rows": "7", "cached": "false", "tables": "[cart,item]",
			} {
				if got := c.Attrs.Get(k); got != want {
					t.Errorf("child's %s is %q, want %q", k, got, want)
				}
			}
			if c.Name != "SELECT" || r.Name != "POST /cart" || r.Attrs.Get("kind") != "server" || r.Attrs.Get("parent_id") != "" || r.Attrs.Get("status") != "" {
				t.Errorf("child %+v, root %+v", c, r)
			}
			ro := child.(sdktrace.ReadOnlySpan)
			if c.Time != ro.StartTime().UnixNano() || c.Duration != ro.EndTime().Sub(ro.StartTime()).Nanoseconds() {
				t.Errorf("child at %d for %d, want %d for %d", c.Time, c.Duration, ro.StartTime().UnixNano(), ro.EndTime().Sub(ro.StartTime()).Nanoseconds())
			}
			if e := events[0]; e.Name != "exception" || e.Attrs.Get("exception.message") != "deadlock" || e.Attrs.Get("span_id") != cc.SpanID().String() {
				t.Errorf("event %+v", e)
			}
		})
	}
}
