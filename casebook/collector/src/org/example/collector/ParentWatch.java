package org.example.collector;

import java.time.Instant;
import java.util.Optional;

/** Ends this process when the process that started it is gone. */
public final class ParentWatch implements Runnable {
    private final long pid;
    private final Optional<Instant> started;

    private ParentWatch(long pid) {
        this.pid = pid;
        this.started = startOf(pid);
    }

    /** Watches pid; 0 watches nothing. */
    public static void start(int pid) {
        if (pid > 0) {
            NamedThreads.named("parent-watch", new ParentWatch(pid)).start();
        }
    }

    private static Optional<Instant> startOf(long pid) {
        return ProcessHandle.of(pid).flatMap(process -> process.info().startInstant());
    }

    @Override
    public void run() {
        try {
            // The start time tells the parent from a later owner of its number.
            while (ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false) && startOf(pid).equals(started)) {
                Thread.sleep(500);
            }
        } catch (InterruptedException e) {
            return;
        }
        System.exit(0);
    }
}
