// Package web serves Tacho over HTTP: the JSON API of docs/api.md, the embedded
// page, batches on their way in, and the server's own health and metrics.
//
// What happens to a request, in order:
//
//  1. route.go finds the endpoint by exact path. There are no redirects and no
//     path cleaning: a service may be named "a//b" or "..".
//  2. guard.go sets the headers that keep the page safe, refuses hosts this
//     server does not answer to (DNS rebinding) and requests that change
//     something but come from another site.
//  3. limit.go lets a bounded number of questions run; the others wait in line
//     for ten seconds at most and are then asked to come back.
//  4. params.go reads the parameters. Each error names its parameter.
//  5. The handler asks query or store, under the request's context: a client
//     that hangs up stops its question. report makes the view of the answer.
//  6. answer.go encodes it into one buffer, compresses it, and only then, with
//     its place in line given back, writes to a client that may be slow.
//  7. metrics.go counts the time by endpoint and status.
//
// Symbols, labels and service names are untrusted. They travel as JSON and the
// page draws them as text; the content security policy forbids what is left.
package web
