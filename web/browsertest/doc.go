// Package browsertest looks at the page the way a person does: a real Chromium,
// the real server, a real JVM that is recorded while the test runs. It has no
// code of its own, only tests.
//
// The steps of the package:
//
//  1. main_test.go builds the command once and ends what the tests share.
//  2. server_test.go runs `tacho up` with its demo workload: once with nothing
//     made up, and once, for all other tests, with two days made up.
//  3. browser_test.go starts one Chromium that can reach loopback only; each
//     test gets a tab with storage of its own.
//  4. tab_test.go is the hand: mouse, keys, Back. It clicks on points of the
//     screen, and only where the thing to click is not covered.
//  5. look_test.go is the eye: testdata/look.js reads everything the page shows
//     in one go, into one value. Tests wait until that value is as expected.
//  6. watch_test.go sees what a person would not: errors of the console, what
//     the content security policy stopped, failed requests, requests to
//     strangers. Each tab ends with a look at what it noticed.
//
// Expectations come from two places: the demo's story, which is the same each
// time (package casebook/demo), and the server's own JSON, asked through
// web/client for the same range, which the page has to show as it is.
//
// With -pictures DIR, TestPictures writes the screenshots of docs/images.
package browsertest
