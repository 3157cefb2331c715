package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"tacho/report"
)

// Query selects: times as docs/api.md takes them (now-24h), matchers as in
// instance="a". Empty fields are left out of the question.
type Query struct {
	Service, Type, From, Until string
	Match                      []string
}

func (q Query) values() url.Values {
	v := url.Values{}
	set(v, "service", q.Service)
	set(v, "type", q.Type)
	set(v, "from", q.From)
	set(v, "until", q.Until)
	for _, m := range q.Match {
		v.Add("match", m)
	}
	return v
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setInt(v url.Values, name string, n int) {
	if n != 0 {
		v.Set(name, strconv.Itoa(n))
	}
}

// TopOptions are those of the table of methods; zero values leave the choice
// to the server.
type TopOptions struct {
	Narrow
	Limit  int
	Sort   string // self or total
	Search string
}

// IcicleOptions are those of a tree.
type IcicleOptions struct {
	Narrow
	Depth    int     // levels below the root, 0 = all
	MinShare float64 // 0 = the server's choice
}

func (o IcicleOptions) set(v url.Values) {
	o.Narrow.set(v)
	setInt(v, "depth", o.Depth)
	if o.MinShare > 0 {
		v.Set("min_share", strconv.FormatFloat(o.MinShare, 'g', -1, 64))
	}
}

// Services lists what is stored.
func (c *Client) Services(ctx context.Context) (*report.Services, error) {
	return ask[report.Services](ctx, c, "services", nil)
}

// Types lists the value types of a service.
func (c *Client) Types(ctx context.Context, service string) (*report.Types, error) {
	return ask[report.Types](ctx, c, "types", Query{Service: service}.values())
}

// Labels lists the values of every label of a service.
func (c *Client) Labels(ctx context.Context, service string) (*report.Labels, error) {
	return ask[report.Labels](ctx, c, "labels", Query{Service: service}.values())
}

// Heatmap sums per step ("60s", "" = the server's choice).
func (c *Client) Heatmap(ctx context.Context, q Query, step string) (*report.Heatmap, error) {
	return c.HeatmapOf(ctx, q, step, Narrow{})
}

// HeatmapOf also sums what is in stacks that n's Filter and Exclude select.
func (c *Client) HeatmapOf(ctx context.Context, q Query, step string, n Narrow) (*report.Heatmap, error) {
	v := q.values()
	set(v, "step", step)
	Narrow{Filter: n.Filter, Exclude: n.Exclude}.set(v)
	return ask[report.Heatmap](ctx, c, "heatmap", v)
}

// Top is the table of methods.
func (c *Client) Top(ctx context.Context, q Query, o TopOptions) (*report.Top, error) {
	v := q.values()
	setInt(v, "limit", o.Limit)
	set(v, "sort", o.Sort)
	set(v, "search", o.Search)
	o.Narrow.set(v)
	return ask[report.Top](ctx, c, "top", v)
}

// Icicle is the tree of calls.
func (c *Client) Icicle(ctx context.Context, q Query, o IcicleOptions) (*report.Icicle, error) {
	v := q.values()
	o.set(v)
	return ask[report.Icicle](ctx, c, "icicle", v)
}

// Callers is the tree of those who call a function.
func (c *Client) Callers(ctx context.Context, q Query, function string, o IcicleOptions) (*report.Icicle, error) {
	v := q.values()
	o.set(v)
	set(v, "function", function)
	return ask[report.Icicle](ctx, c, "callers", v)
}

// DiffOptions are those of a comparison. An empty field of Base is that of the
// query; Base.Service and Base.Type are not read.
type DiffOptions struct {
	IcicleOptions
	Base         Query
	Norm         string // share or rate
	Sort         string // self or total
	Limit        int
	Significance bool
}

// Diff compares a selection with a base.
func (c *Client) Diff(ctx context.Context, q Query, o DiffOptions) (*report.Diff, error) {
	v := q.values()
	o.set(v)
	set(v, "base_from", o.Base.From)
	set(v, "base_until", o.Base.Until)
	for _, m := range o.Base.Match {
		v.Add("base_match", m)
	}
	set(v, "norm", o.Norm)
	set(v, "sort", o.Sort)
	setInt(v, "limit", o.Limit)
	setBool(v, "significance", o.Significance)
	return ask[report.Diff](ctx, c, "diff", v)
}

// Samples are raw timed samples, at most limit (0 = the server's choice).
func (c *Client) Samples(ctx context.Context, q Query, limit int) (*report.Samples, error) {
	v := q.values()
	setInt(v, "limit", limit)
	return ask[report.Samples](ctx, c, "samples", v)
}

// Timeline is the series whose name has the prefix, per step.
func (c *Client) Timeline(ctx context.Context, q Query, prefix, step string) (*report.Timeline, error) {
	v := q.values()
	set(v, "name", prefix)
	set(v, "step", step)
	return ask[report.Timeline](ctx, c, "timeline", v)
}

// Events are those whose kind has the prefix.
func (c *Client) Events(ctx context.Context, q Query, kind string, limit int) (*report.Events, error) {
	v := q.values()
	set(v, "kind", kind)
	setInt(v, "limit", limit)
	return ask[report.Events](ctx, c, "events", v)
}

// NewEvent is an event to be marked; docs/api.md says what empty fields mean.
type NewEvent struct {
	Service    string            `json:"service"`
	Instance   string            `json:"instance,omitempty"`
	Time       string            `json:"time,omitempty"`
	DurationNS int64             `json:"duration_ns,omitempty"`
	Kind       string            `json:"kind"`
	Name       string            `json:"name,omitempty"`
	Attrs      map[string]string `json:"attrs,omitempty"`
}

// Mark stores an event and returns it as it is listed. When it returns, the
// event is durable.
func (c *Client) Mark(ctx context.Context, e NewEvent) (*report.Event, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encoding the event %s: %w", e.Kind, err)
	}
	out := new(report.Event)
	return out, c.do(ctx, "POST", "api/v1/events", nil, b, out)
}

// Agents lists the agents that report to the server.
func (c *Client) Agents(ctx context.Context) (*report.Agents, error) {
	return ask[report.Agents](ctx, c, "agents", nil)
}

// ReportAgent tells the server how an agent does.
func (c *Client) ReportAgent(ctx context.Context, a report.Agent) error {
	a.Fill()
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encoding the report of agent %s: %w", a.Host, err)
	}
	return c.do(ctx, "POST", "api/v1/agents", nil, b, nil)
}

func ask[T any](ctx context.Context, c *Client, what string, q url.Values) (*T, error) {
	v := new(T)
	if err := c.get(ctx, "api/v1/"+what, q, v); err != nil {
		return nil, err
	}
	return v, nil
}
