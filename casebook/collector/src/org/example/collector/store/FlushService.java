package org.example.collector.store;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.example.collector.NamedThreads;

/**
 * Writes to disk behind the agents' backs: connections only enqueue, and a few threads take what has
 * come together per target. A full queue makes the connections wait.
 */
public final class FlushService {
    private static final int CAPACITY = 4096; // batches
    private static final long LINGER_MILLIS = 10; // lets batches of one target come together

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Condition notFull = lock.newCondition();
    private final Map<RecordFile, Queue<List<Metric>>> pending = new LinkedHashMap<>();
    private final ExecutorService threads;
    private final Set<RecordFile> writing = new HashSet<>();
    private int size;
    private boolean closed;

    public FlushService(int threadCount) {
        threads = Executors.newFixedThreadPool(threadCount, new NamedThreads("flush"));
        for (int i = 0; i < threadCount; i++) {
            threads.execute(this::run);
        }
    }

    public void enqueue(RecordFile file, List<Metric> records) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (size >= CAPACITY && !closed) {
                notFull.await();
            }
            pending.computeIfAbsent(file, f -> new ArrayDeque<>()).add(records);
            size++;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        try {
            for (RecordFile file = next(); file != null; file = next()) {
                try {
                    Thread.sleep(LINGER_MILLIS);
                    file.append(take(file));
                } catch (IOException e) {
                    System.err.println("flush of " + file.target() + ": " + e);
                } finally {
                    done(file);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A file nobody writes yet, now ours alone: batches of one target stay in order. Null when closed. */
    private RecordFile next() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!closed) {
                for (RecordFile file : pending.keySet()) {
                    if (writing.add(file)) {
                        return file;
                    }
                }
                changed.await();
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    /** Everything that waits for the file. */
    private List<Metric> take(RecordFile file) {
        lock.lock();
        try {
            List<Metric> records = new ArrayList<>();
            for (List<Metric> batch : pending.remove(file)) {
                records.addAll(batch);
                size--;
            }
            notFull.signalAll();
            return records;
        } finally {
            lock.unlock();
        }
    }

    private void done(RecordFile file) {
        lock.lock();
        try {
            writing.remove(file);
            if (pending.containsKey(file)) {
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
            notFull.signalAll();
        } finally {
            lock.unlock();
        }
        threads.shutdownNow();
    }
}
