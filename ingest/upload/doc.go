// Package upload takes any file a decoder knows: POST /api/v1/upload.
//
// The steps:
//
//  1. params.go reads the query: whose the file is and, for formats that do not
//     say, what its values measure and when.
//  2. body.go finds the file: the body, or the field "file" of a form. It is
//     never held whole, and a sender that stops is not waited for.
//  3. The file is decompressed and recognised by its content, and its decoder
//     reads on as bytes come. JFR goes to a file first (spool.go).
//  4. feed.go hands its batches to the store, a few at a time, while the decoder
//     goes on. A full queue slows the reading down.
//  5. The answer comes when the last batch is durable. A file that stops making
//     sense is an error that says where; what came before is kept, and sending
//     the whole file again replaces it.
//
// Debug files are taken beside them (symbols.go): POST /api/v1/symbols.
package upload
