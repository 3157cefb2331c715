// Package pyroscope answers the questions of Pyroscope's clients from Tacho's
// store, so that Grafana's data source and profilecli can be pointed here
// unchanged.
//
// # What it speaks
//
//	/querier.v1.QuerierService/*   Connect, gRPC and gRPC-Web; protobuf or JSON, gzip or not
//	/pyroscope/render              flame graph and timeline as JSON, before Connect
//	/pyroscope/render-diff         two flame graphs in one
//	/pyroscope/label-values
//
// The messages are those of github.com/grafana/pyroscope/api (Apache-2.0).
//
// # The steps
//
//  1. types.go turns a profile type id into the type Tacho stores, and back;
//     selector.go reads {label="value", …}; select.go finds the services and
//     the matchers that answer.
//  2. The store merges; tree.go folds the stacks by method, over all services.
//  3. flamegraph.go, diff.go and profile.go write what the client asked for.
//
// # What is different from Pyroscope
//
//   - Nothing is cut off unless the request says max_nodes; what is cut off is
//     called "other" and keeps its value.
//   - Ranges may be as long as the store keeps data (query.MaxRange).
//   - A range is [start, end), as everywhere in Tacho.
//   - A profile is not kept as one: there are no profile ids and no exemplars.
//   - What could not be read is named in the header Tacho-Missing.
//
// # Flame graphs
//
// names[0] is "total". A level is a flat list, four numbers a node, from left to
// right: its distance from the end of the node before, total, self, and the
// index of its name. In a comparison there are seven: distance, total and self
// of the left, the same of the right, name.
package pyroscope
