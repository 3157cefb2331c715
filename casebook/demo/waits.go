package demo

import (
	"time"

	"tacho"
)

// wait fills up each thread's minute with what it waited for. Threads that
// wait in the selector are left out: a recording of the JVM does not show that
// either.
func (m *moment) wait() {
	minute := int64(m.up() * float64(time.Minute))
	for _, p := range pools {
		for i, t := range p.threads {
			idle := minute - m.cpu[p.group][i] - int64(m.queue[p.group])/int64(len(p.threads))
			if idle <= 0 {
				continue
			}
			thread := m.build.Thread(t)
			switch p.group {
			case poolDashboard:
				idle -= m.contend("wait.monitor", thread, m.contention(idle))
				m.waited("wait.pool", thread, idle, 8)
			case poolFlush:
				if m.rollup || m.wide > 0 {
					idle -= m.contend("wait.append", thread, min(idle/4, int64(time.Duration(30+m.rng.IntN(90))*time.Millisecond)))
				}
				linger := min(idle, int64(7*time.Second))
				m.waited("wait.linger", thread, linger, 6)
				m.waited("wait.flush", thread, idle-linger, 6)
			case poolRollup:
				m.waited("wait.schedule", thread, idle, 1)
			case poolParent:
				m.waited("wait.parent", thread, idle, 4)
			}
		}
	}
}

// contention is how long a dashboard thread stood before the monitor of a file
// that another one was reading: the overview's every ten seconds, all the time
// in the incident, next to nothing when reads are short.
func (m *moment) contention(idle int64) int64 {
	switch {
	case m.wide > 0:
		return int64(float64(idle) * 0.7 * m.noise(0.1))
	case m.stream:
		return min(idle, int64(float64(6*14*time.Millisecond)*m.up()*m.noise(0.2)))
	}
	return 0
}

// contend is waiting for a monitor: off-CPU, and lock as well.
func (m *moment) contend(key string, thread uint32, nanos int64) int64 {
	if nanos <= 0 {
		return 0
	}
	stack := m.stack(key)
	n := min(12, 1+nanos/int64(500*time.Millisecond))
	for k := range n {
		s := tacho.Sample{Time: m.time("", int(k), int(n)), Value: nanos / n, Stack: stack, Thread: thread}
		m.build.Sample(tacho.Lock, s)
		m.build.Sample(tacho.OffCPU, s)
	}
	return nanos / n * n
}

func (m *moment) waited(key string, thread uint32, nanos int64, n int) {
	if nanos <= 0 {
		return
	}
	stack := m.stack(key)
	for k := range n {
		m.build.Sample(tacho.OffCPU, tacho.Sample{Time: m.time("", k, n), Value: nanos / int64(n), Stack: stack, Thread: thread})
	}
}

// allocate adds what the minute allocates.
func (m *moment) allocate() {
	charts := m.requests + m.wide
	// The incident's charts come as fast as the machine can, not as asked for.
	read := m.requests*records + min(m.wide*wideChart, 4e6) + overview*m.up()
	m.take(allocPerRequest, charts)
	m.take(allocPerRecord[m.stream], read)
	m.take(allocPerMinute, m.up())
	if m.rollup {
		m.take(allocPerRollup, 1)
	}
}

func (m *moment) take(as []allocation, times float64) {
	const about = 16 << 20 // bytes a sample stands for
	for _, a := range as {
		bytes := a.bytes * times * m.noise(0.05)
		m.alloc += bytes
		n := 1 + int64(bytes)/about
		threads := m.pool(a.pool).threads
		for k := range n {
			m.build.Sample(tacho.Alloc, tacho.Sample{
				Time: m.time(a.pool, int(k), int(n)), Value: int64(bytes) / n,
				Stack: m.stack(a.stack), Thread: m.build.Thread(threads[m.rng.IntN(len(threads))]),
			})
		}
	}
}

func (m *moment) pool(group string) pool {
	for _, p := range pools {
		if p.group == group {
			return p
		}
	}
	return pool{}
}
