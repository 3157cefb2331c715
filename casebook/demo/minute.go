package demo

import (
	"math/rand/v2"
	"time"

	"tacho"
)

// pool is threads that do the same work.
type pool struct {
	group   string
	threads []tacho.Thread
}

func newPool(group string, javaID int64, names ...string) pool {
	p := pool{group: group}
	for i, n := range names {
		t := tacho.Thread{Name: n, Group: group}
		if javaID != 0 {
			t.JavaID = javaID + int64(i)
		}
		p.threads = append(p.threads, t)
	}
	return p
}

var pools = []pool{
	newPool(poolDashboard, 31, "dashboard-exec-1", "dashboard-exec-2", "dashboard-exec-3", "dashboard-exec-4"),
	newPool(poolDispatch, 25, "HTTP-Dispatcher"),
	newPool(poolAgent, 23, "agent-io-1"),
	newPool(poolFlush, 20, "flush-1", "flush-2"),
	newPool(poolRollup, 27, "rollup-scheduler"),
	newPool(poolParent, 29, "parent-watch"),
	newPool(poolC1, 0, "C1 CompilerThread0"),
	newPool(poolC2, 0, "C2 CompilerThread0"),
	newPool(poolGC, 0, "GC Thread#0", "GC Thread#1"),
	newPool(poolVM, 0, "VM Thread"),
	newPool(poolJFR, 0, "JFR Periodic Tasks"),
}

const (
	chunk     = 100 * time.Millisecond // CPU one sample stands for, about
	together  = 60 * time.Millisecond  // less than this is not split over the threads of a pool
	overview  = 24 * 900               // records of the overview everybody refreshes every ten seconds
	wideChart = 7200                   // records of a chart over two hours
)

// moment is one minute on its way to a batch.
type moment struct {
	scene
	rng    *rand.Rand
	build  *tacho.Builder
	stacks map[string]tacho.Stack
	ids    map[string]uint32 // stacks already in the batch

	spent []cost             // nanos of the minute
	cpu   map[string][]int64 // by pool, of each thread
	queue map[string]float64 // by pool: nanoseconds runnable but not running
	alloc float64            // bytes
}

func (m *moment) from() int64  { return m.at * int64(time.Minute) }
func (m *moment) until() int64 { return (m.at + 1) * int64(time.Minute) }

// batch is the minute as a collector would have sent it.
func (m *moment) batch(target tacho.Labels) *tacho.Batch {
	for _, t := range []tacho.ValueType{tacho.CPU, tacho.OffCPU, tacho.Alloc, tacho.Lock} {
		m.build.Declare(t)
	}
	m.allocate()
	m.spend()
	m.account()
	m.wait()
	m.facts()
	m.series()
	return m.build.Take(target, collector, m.from(), m.until(), 0)
}

// noise is a factor near 1.
func (m *moment) noise(spread float64) float64 {
	return min(max(1+spread*m.rng.NormFloat64(), 0.6), 1.4)
}

// pay adds costs, times how often they are paid.
func (m *moment) pay(cs []cost, times float64) {
	if times <= 0 {
		return
	}
	for _, c := range cs {
		c.nanos *= times * m.noise(0.06)
		m.spent = append(m.spent, c)
	}
}

// spend puts together what the minute costs, cut to what the machine has.
func (m *moment) spend() {
	charts := m.requests + m.wide
	read := m.requests*records + m.wide*wideChart + overview*m.up()
	m.pay(perRequest, charts)
	if m.stream {
		m.pay(perRecordStream, read)
		m.pay(searchStream, charts)
	} else {
		m.pay(perRecordBuffer, read)
		m.pay(searchBuffer, charts)
	}
	m.pay(perMinute, m.up())
	m.pay(perWarmup, m.warm)
	if m.rollup {
		m.pay(perRollup, 1)
	}
	m.pay([]cost{{poolGC, "gc", gcPause * 1.6}}, m.alloc/youngGeneration)

	var fixed, elastic float64
	for _, c := range m.spent {
		if c.pool == poolDashboard {
			elastic += c.nanos
		} else {
			fixed += c.nanos
		}
	}
	have := filled*cores*float64(time.Minute) - fixed
	m.queue = map[string]float64{}
	for _, c := range m.spent {
		m.queue[c.pool] += c.nanos * 0.02
	}
	if elastic > have {
		for i := range m.spent {
			if m.spent[i].pool == poolDashboard {
				m.spent[i].nanos *= have / elastic
			}
		}
		m.queue[poolDashboard] = 0.3 * have
	}
}

// up is the share of the minute in which the service ran.
func (m *moment) up() float64 { return 1 - m.down.Minutes() }

// account turns costs into samples of threads.
func (m *moment) account() {
	m.cpu = map[string][]int64{}
	share := map[string][]float64{}
	threads := map[string][]uint32{}
	for _, p := range pools {
		var sum float64
		ws := make([]float64, len(p.threads))
		for i := range ws {
			ws[i] = 0.8 + 0.4*m.rng.Float64()
			sum += ws[i]
		}
		for i := range ws {
			ws[i] /= sum
		}
		share[p.group] = ws
		m.cpu[p.group] = make([]int64, len(ws))
		for _, t := range p.threads {
			threads[p.group] = append(threads[p.group], m.build.Thread(t))
		}
	}
	for _, c := range m.spent {
		ws := share[c.pool]
		if c.nanos < float64(together) {
			i := m.rng.IntN(len(ws))
			m.sample(c, threads[c.pool][i], i, c.nanos)
			continue
		}
		for i, w := range ws {
			m.sample(c, threads[c.pool][i], i, c.nanos*w)
		}
	}
}

// sample adds CPU of one thread on one stack, in samples spread over the
// minute.
func (m *moment) sample(c cost, thread uint32, i int, nanos float64) {
	stack := m.stack(c.stack)
	n := 1 + int(nanos)/int(chunk)
	for k := range n {
		v := int64(nanos) / int64(n)
		m.cpu[c.pool][i] += v
		m.build.Sample(tacho.CPU, tacho.Sample{Time: m.time(c.pool, k, n), Value: v, Stack: stack, Thread: thread})
	}
}

// stack is the id of a stack in the batch.
func (m *moment) stack(key string) uint32 {
	id, ok := m.ids[key]
	if !ok {
		id = m.build.Stack(m.stacks[key])
		m.ids[key] = id
	}
	return id
}

// time is a moment of the k-th of n parts of the minute: people refresh every
// ten seconds, the roll-up runs for two, a new version begins late.
func (m *moment) time(pool string, k, n int) int64 {
	first, length := m.down, time.Minute-m.down
	if pool == poolRollup {
		first, length = 0, 2200*time.Millisecond
	}
	at := first + time.Duration((float64(k)+m.rng.Float64())/float64(n)*float64(length))
	if pool == poolDashboard && m.wide == 0 && m.rng.IntN(4) == 0 {
		burst := at.Truncate(10*time.Second) + time.Duration(m.rng.IntN(400))*time.Millisecond
		at = max(burst, m.down)
	}
	return m.from() + int64(min(at, time.Minute-1))
}
