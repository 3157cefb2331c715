// Package proc reads the kernel's own account of a process from /proc: what
// each thread was billed, what the process was billed, which limits its cgroup
// puts on it, and on which host that is. Nothing here needs the process's
// consent and nothing here runs inside it.
//
// A read of the threads goes in these steps:
//
//  1. pread one file a thread, through a descriptor held since the thread was
//     first seen. A held descriptor belongs to one thread for ever: when the
//     thread ends it answers ESRCH, even after its number was given to another
//     thread, so reused numbers need no bookkeeping.
//  2. fstat the task directory. The kernel reports 2 + the number of threads
//     as its link count; while that equals what step 1 read, no thread is new
//     and the directory need not be listed.
//  3. Otherwise list it, open what is new (name, start time and inner number
//     are read here, once) and forget what is gone.
//
// The files and what is taken from them:
//
//	task/TID/schedstat   "CPU-ns RUN-QUEUE-WAIT-ns TIMESLICES"
//	task/TID/stat        "TID (comm) STATE …": field 22 is the start time in
//	                     ticks since boot; 14 and 15 user and system ticks
//	task/TID/status      "NSpid:\t4711\t17": numbers from the reader's pid
//	                     namespace inwards; the last is the thread's own view
//	task/TID/comm        the name, cut at 15 bytes; a thread may change it
//
// Holding descriptors was measured against opening each time (two cores, AMD
// EPYC, kernel 6.18; 58 and 1,027 threads): pread 0.04 and 0.70 ms, openat
// relative to the task directory 0.23 and 4.5 ms, os.ReadFile 0.50 and 8.1 ms;
// listing the directory 0.02 and 0.31 ms. A held descriptor costs the kernel
// one page of buffer and the agent one descriptor, so at most maxHeld are kept
// for one process and the threads beyond are opened for each read.
//
// The files are defined in proc(5) and in the kernel's
// Documentation/scheduler/sched-stats.rst and admin-guide/cgroup-v2.rst.
package proc
