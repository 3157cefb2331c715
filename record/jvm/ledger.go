package jvm

import (
	"tacho"
	"tacho/record"
)

// ledger turns the kernel's running totals per thread into bills per tick.
type ledger struct {
	reader record.ThreadReader
	buf    []record.ThreadTime
	prev   map[int64]account
	host   map[int64]int64 // nstid → tid
	live   map[int64]bool  // nstids of the last read

	process int64 // CPU of the whole process at the start
	billed  int64 // CPU billed since, all threads
	rest    [3]int64
	ended   bool // a thread ended since the last bill for ended threads
}

// account is a thread's running totals.
type account struct {
	Start uint64
	CPU   int64
	Wait  int64
	seen  bool
}

// A tick is one reading of the kernel's account.
type tick struct {
	from, until int64
	bills       []bill
	groups      map[string]groupTime
}

// groupTime is what the threads of one group got in a tick, in nanoseconds.
type groupTime struct{ cpu, wait int64 }

func newLedger(r record.ThreadReader) *ledger {
	return &ledger{reader: r, prev: map[int64]account{}, host: map[int64]int64{}, live: map[int64]bool{}}
}

// open takes the first reading. Threads are billed from it on, or from what a
// mark remembers of them.
func (l *ledger) open(resume map[int64]account) error {
	if err := l.read(); err != nil {
		return err
	}
	for _, t := range l.buf {
		a := account{Start: t.Start, CPU: t.CPU, Wait: t.Wait}
		if r, ok := resume[t.TID]; ok && r.Start == t.Start && r.CPU <= t.CPU {
			a = r
		} else if resume != nil {
			a.CPU, a.Wait = 0, 0 // began while nobody was looking
		}
		l.prev[t.TID] = a
	}
	p, err := l.reader.Process()
	l.process = p
	for _, t := range l.buf {
		l.process -= t.CPU - l.prev[t.TID].CPU
	}
	return err
}

func (l *ledger) read() (err error) {
	l.buf, err = l.reader.Read(l.buf)
	if err != nil {
		return err
	}
	clear(l.host)
	clear(l.live)
	for _, t := range l.buf {
		l.host[t.NSTID] = t.TID
		l.live[t.NSTID] = true
	}
	return nil
}

// hostTID is the host's number of a thread the JVM knows by its own.
func (l *ledger) hostTID(nstid int64) int64 { return l.host[nstid] }

// bill reads the account and returns what was charged since the last reading.
func (l *ledger) bill(from, until int64, m *mapper) (tick, error) {
	if err := l.read(); err != nil {
		return tick{}, err
	}
	tk := tick{from: from, until: until, groups: map[string]groupTime{}}
	for _, t := range l.buf {
		a, known := l.prev[t.TID]
		if known && a.Start != t.Start {
			a, known = account{Start: t.Start}, false
		}
		if !known {
			a = account{Start: t.Start}
		}
		cpu, wait := max(t.CPU-a.CPU, 0), max(t.Wait-a.Wait, 0)
		l.prev[t.TID] = account{Start: t.Start, CPU: t.CPU, Wait: t.Wait, seen: true}
		if cpu == 0 && wait == 0 {
			continue
		}
		l.billed += cpu
		b := bill{thread: l.thread(t, m), nstid: t.NSTID, cpu: cpu, java: m.java[t.NSTID], carrier: m.carrier[t.NSTID]}
		tk.bills = append(tk.bills, b)
		g := tk.groups[b.thread.Group]
		tk.groups[b.thread.Group] = groupTime{g.cpu + cpu, g.wait + wait}
	}
	for tid, a := range l.prev {
		if !a.seen {
			delete(l.prev, tid)
			l.ended = true
			continue
		}
		a.seen = false
		l.prev[tid] = a
	}
	l.billEnded(&tk)
	return tk, nil
}

// billEnded accounts for threads that ended between two readings: the process
// total keeps what its threads no longer show. The total has a resolution of
// 10 ms and is read a moment later, so only what stays over for three readings
// counts.
func (l *ledger) billEnded(tk *tick) {
	p, err := l.reader.Process()
	if err != nil {
		return
	}
	l.rest[2], l.rest[1] = l.rest[1], l.rest[0]
	l.rest[0] = p - l.process - l.billed
	rest := min(l.rest[0], l.rest[1], l.rest[2])
	if !l.ended || rest < 30e6 {
		return
	}
	l.billed += rest
	l.rest = [3]int64{}
	th := tacho.Thread{Name: "[ended threads]", Group: "[ended threads]"}
	tk.bills = append(tk.bills, bill{thread: th, nstid: endedTID, cpu: rest, java: true})
	g := tk.groups[th.Group]
	tk.groups[th.Group] = groupTime{g.cpu + rest, g.wait}
	l.ended = false
}

// endedTID is the made-up thread id under which ended threads are billed.
const endedTID = -1

func (l *ledger) thread(t record.ThreadTime, m *mapper) tacho.Thread {
	name := t.Comm
	if full, ok := m.names[t.NSTID]; ok && sameThread(full, t.Comm) {
		return tacho.Thread{ID: t.TID, JavaID: full.JavaID, Name: full.Name, Group: full.Group}
	}
	return tacho.Thread{ID: t.TID, Name: name, Group: record.ThreadGroup(name)}
}

// sameThread guards against reused thread ids: the kernel's name is the start
// of the JVM's, in bytes, unless the thread was renamed behind the kernel's
// back (the main thread is called "java").
func sameThread(full tacho.Thread, comm string) bool {
	return len(comm) < 15 || len(full.Name) >= 15 && full.Name[:15] == comm
}

// gap is the bills since a mark, laid evenly over the seconds between: nobody
// read the account meanwhile.
func (t tick) gap() []tick {
	n := (t.until - t.from) / 1e9
	if n <= 1 {
		return []tick{t}
	}
	out := make([]tick, n)
	for i := range n {
		k := tick{from: t.from + (t.until-t.from)*i/n, until: t.from + (t.until-t.from)*(i+1)/n, groups: map[string]groupTime{}}
		for _, b := range t.bills {
			b.cpu = b.cpu*(i+1)/n - b.cpu*i/n
			k.bills = append(k.bills, b)
		}
		for g, v := range t.groups {
			k.groups[g] = groupTime{v.cpu*(i+1)/n - v.cpu*i/n, v.wait*(i+1)/n - v.wait*i/n}
		}
		out[i] = k
	}
	return out
}
