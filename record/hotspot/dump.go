package hotspot

import (
	"context"
	"fmt"
	"time"

	"tacho"
)

// Dump is one thread dump.
type Dump struct {
	VM      string // "OpenJDK 64-Bit Server VM (17.0.15+6-Debian-1deb12u1 mixed mode, sharing)"
	Threads []Thread
	Cut     bool // threads, frames or text beyond the limits were dropped
}

// Thread is one thread of a dump. Threads that are not Java's (GC, VM Thread)
// have no State, no JavaID and no frames; compiler threads have the former two.
type Thread struct {
	Name     string
	JavaID   int64 // #12, 0 for threads that are not Java's
	NID      int64 // thread id in the JVM's pid namespace; 0 unknown; a virtual thread has its carrier's
	Prio     int   // Java priority, 0 unknown
	Daemon   bool
	CPU      time.Duration // since it started, 0 if the JDK does not say (8)
	Elapsed  time.Duration
	Status   string // what the JVM says beside it: "waiting on condition", "runnable"
	State    string // java.lang.Thread.State: RUNNABLE, BLOCKED, WAITING, TIMED_WAITING, NEW, TERMINATED
	Detail   string // "sleeping", "parking", "on object monitor"
	Carrying int64  // Java id of the virtual thread this carrier runs, 0 none
	Virtual  bool   // a mounted virtual thread, listed after its carrier: JavaID and Frames only
	Frames   tacho.Stack
}

// ThreadDump stops the JVM's threads for the time of the walk (1 ms for 70
// threads, 14-31 ms for a thousand) and returns their stacks.
func (j *JVM) ThreadDump(ctx context.Context) (*Dump, error) {
	r, err := j.ask(ctx, j.opt.Timeout, "threaddump")
	if err != nil {
		return nil, err
	}
	d, err := parseDump(r.text, defaultDumpLimits)
	if err != nil {
		return nil, fmt.Errorf("thread dump of process %d: %w", j.p.PID, err)
	}
	d.Cut = d.Cut || r.cut
	return d, nil
}
