// Package collector is the first story of the casebook as a program to run: a
// collection server whose dashboards are slow because it reads its records
// byte by byte, and the people and agents that use it. README.md tells the
// story and what Tacho must show of it. The server is Java (src), because the
// service that was found slow was; this package starts it the way a user's
// service is started, with no flag for Tacho's sake.
//
// Start goes in these steps:
//
//  1. make a working directory of its own and compile the sources into it
//  2. start the server, read the ports from its "ready" line
//  3. start the load, wait for its "ready" line: the first answer has come
//
// Both programs end when this process does, however it ends: they watch its
// number and start time. The server then removes the working directory.
package collector
