package client

import "context"

// Profile asks for a selection as a file: pprof, collapsed, speedscope, svg or
// json.
func (c *Client) Profile(ctx context.Context, q Query, n Narrow, format string) ([]byte, error) {
	v := q.values()
	set(v, "format", format)
	n.set(v)
	var b []byte
	err := c.get(ctx, "/api/v1/profile", v, &b)
	return b, err
}
