package demo

import "time"

// cost is work that ends on one stack: per request, per record of a chart or
// per minute. The sum of a request is what the program was measured to need on
// two cores of an AMD EPYC (../collector/README.md); how it splits over the
// stacks is an estimate, made with a JFR recording of the program at hand.
type cost struct {
	pool  string // who pays
	stack string // key of stacks.txt
	nanos float64
}

const (
	poolDashboard = "dashboard-exec-#"
	poolDispatch  = "HTTP-Dispatcher"
	poolAgent     = "agent-io-#"
	poolFlush     = "flush-#"
	poolRollup    = "rollup-scheduler"
	poolParent    = "parent-watch"
	poolC1        = "JIT C1"
	poolC2        = "JIT C2"
	poolGC        = "GC"
	poolVM        = "VM"
	poolJFR       = "JFR"
)

const (
	us = float64(time.Microsecond)
	ms = float64(time.Millisecond)
)

// perRequest is paid for every chart, whichever reader serves it.
var perRequest = []cost{
	{poolDashboard, "chart.long", 55 * us},
	{poolDashboard, "chart.double", 45 * us},
	{poolDashboard, "chart.downsample", 25 * us},
	{poolDashboard, "http.date", 22 * us},
	{poolDashboard, "http.write0", 40 * us},
	{poolDashboard, "http.read0", 14 * us},
	{poolDashboard, "http.readLine", 16 * us},
	{poolDashboard, "http.headers", 8 * us},
	{poolDashboard, "query.parse", 5 * us},
	{poolDashboard, "query.split", 7 * us},
	{poolDashboard, "pool.take", 10 * us},
	{poolDashboard, "unsampled", 6 * us},
	{poolDispatch, "dispatch.select", 26 * us},
	{poolDispatch, "dispatch.run", 19 * us},
}

// perRecord is paid for every record a chart is made of.
var (
	perRecordStream = []cost{
		{poolDashboard, "stream.int", 8.1 * us},
		{poolDashboard, "stream.long", 4.1 * us},
		{poolDashboard, "stream.double", 4.0 * us},
		{poolDashboard, "stream.raf", 0.34 * us},
		{poolDashboard, "stream.rafRead", 0.22 * us},
		{poolDashboard, "stream.inputStream", 0.30 * us},
		{poolDashboard, "stream.readInt", 0.25 * us},
		{poolDashboard, "stream.record", 0.20 * us},
	}
	perRecordBuffer = []cost{
		{poolDashboard, "buffer.read", 0.07 * us},
		{poolDashboard, "buffer.decode", 0.06 * us},
	}
)

// perSearch is paid to find the first record of a chart.
var (
	searchStream = []cost{{poolDashboard, "stream.search", 55 * us}}
	searchBuffer = []cost{{poolDashboard, "buffer.search", 12 * us}}
)

// perMinute is paid always.
var perMinute = []cost{
	{poolAgent, "agent.select", 160 * ms},
	{poolAgent, "agent.read", 150 * ms},
	{poolAgent, "agent.decode", 60 * ms},
	{poolAgent, "agent.write", 240 * ms},
	{poolFlush, "flush.write", 350 * ms},
	{poolFlush, "flush.take", 130 * ms},
	{poolParent, "parent.check", 25 * ms},
	{poolC1, "jit.c1", 60 * ms},
	{poolC2, "jit.c2", 110 * ms},
	{poolVM, "vm", 150 * ms},
	{poolJFR, "jfr", 400 * ms},
}

// perRollup is paid every five minutes.
var perRollup = []cost{
	{poolRollup, "rollup.sort", 750 * ms},
	{poolRollup, "rollup.box", 250 * ms},
	{poolRollup, "rollup.summarise", 130 * ms},
	{poolRollup, "rollup.deflate", 300 * ms},
	{poolRollup, "rollup.read", 50 * ms},
	{poolRollup, "rollup.force", 20 * ms},
}

// perWarmup is paid in the first minute after a start, half of it in the next,
// and so on.
var perWarmup = []cost{
	{poolC2, "jit.c2", 9000 * ms},
	{poolC1, "jit.c1", 3500 * ms},
	{poolVM, "vm", 700 * ms},
}

// allocation is memory taken on one stack.
type allocation struct {
	pool  string
	stack string
	bytes float64
}

var allocPerRequest = []allocation{
	{poolDashboard, "alloc.json", 11_000},
	{poolDashboard, "alloc.string", 4_100},
	{poolDashboard, "alloc.output", 8_200},
	{poolDashboard, "alloc.request", 4_600},
	{poolDashboard, "alloc.points", 3_800},
}

var allocPerRecord = map[bool][]allocation{ // by scene.stream
	true:  {{poolDashboard, "alloc.metric", 48}, {poolDashboard, "alloc.list", 8}},
	false: {{poolDashboard, "alloc.decoded", 48}, {poolDashboard, "alloc.buffer", 32}},
}

var (
	allocPerMinute = []allocation{{poolAgent, "alloc.frame", 900_000}}
	allocPerRollup = []allocation{{poolRollup, "alloc.box", 180_000_000}}
)

// youngGeneration is how much is allocated between two collections, and
// gcPause what one costs.
const (
	youngGeneration = 42e6
	gcPause         = 3.4 * ms
)
