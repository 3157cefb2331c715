// Package report turns answers of query and store into view structs that are
// ready to draw, and draws them as text. It holds presentation data, never
// logic of the data itself, and knows nothing of HTTP: the page and the
// terminal verbs fetch the same JSON and get the same structs.
//
// The steps, in order:
//
//  1. Build (New…): a store or query result becomes a view struct. Slices are
//     never nil, times are Unix milliseconds, "nothing recorded" is null.
//  2. Encode: every struct marshals to the JSON of docs/api.md and unmarshals
//     from it. The columnar ones (Icicle, Heatmap, Samples) also append
//     themselves to a buffer, which the server uses: see json.go.
//  3. Render (WriteText): aligned tables, indented trees and block characters
//     that fit the width of a terminal.
//
// Symbols are untrusted: a class may be named "\x1b]0;x". JSON carries names
// as they are, because the page draws them as text; everything written for a
// terminal goes through Visible first.
package report
