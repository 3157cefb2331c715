package org.example.collector.rollup;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.example.collector.NamedThreads;
import org.example.collector.store.Metric;
import org.example.collector.store.RecordFile;
import org.example.collector.store.RecordReader;
import org.example.collector.store.TargetStore;

/**
 * Every five minutes by the clock: summarises each target's records into windows of several lengths
 * and drops the records that are older than the retention.
 */
public final class RollupJob implements Closeable {
    private static final long PERIOD = TimeUnit.MINUTES.toMillis(5);
    private static final long RETENTION = TimeUnit.HOURS.toMillis(2);
    private static final long[] WINDOWS = {10_000, 30_000, 60_000, 120_000, 300_000, 900_000, 1_800_000, 3_600_000};

    private final TargetStore store;
    private final Path dir;
    private final RecordReader reader = RecordReader.of("buffer");
    private final ScheduledExecutorService scheduler =
            Executors.newSingleThreadScheduledExecutor(r -> NamedThreads.named("rollup-scheduler", r));

    public RollupJob(TargetStore store, Path dir) throws IOException {
        this.store = store;
        this.dir = Files.createDirectories(dir);
        long first = PERIOD - System.currentTimeMillis() % PERIOD;
        scheduler.scheduleAtFixedRate(this::run, first, PERIOD, TimeUnit.MILLISECONDS);
    }

    private void run() {
        long begin = System.nanoTime();
        List<RecordFile> files = store.all();
        for (RecordFile file : files) {
            try {
                rollup(file);
                compact(file);
            } catch (IOException e) {
                System.err.println("roll-up of " + file.target() + ": " + e);
            }
        }
        System.out.println("roll-up of " + files.size() + " targets took "
                + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin) + " ms");
    }

    private void rollup(RecordFile file) throws IOException {
        List<Metric> records = reader.read(file, 0, Long.MAX_VALUE);
        Path path = dir.resolve(file.target() + ".rollup.gz");
        try (DataOutputStream out = new DataOutputStream(
                new GZIPOutputStream(new BufferedOutputStream(Files.newOutputStream(path))))) {
            for (long window : WINDOWS) {
                summarise(records, window, out);
            }
        }
    }

    private static void summarise(List<Metric> records, long window, DataOutputStream out) throws IOException {
        List<Metric> slot = new ArrayList<>();
        for (int i = 0; i < records.size(); i++) {
            Metric record = records.get(i);
            slot.add(record);
            boolean last = i + 1 == records.size() || records.get(i + 1).time() / window != record.time() / window;
            if (last) {
                out.writeLong(record.time() / window * window);
                Percentiles.of(slot, m -> m.requests() == 0 ? 0 : m.latency() / m.requests()).writeTo(out);
                Percentiles.of(slot, Metric::requests).writeTo(out);
                Percentiles.of(slot, Metric::errors).writeTo(out);
                Percentiles.of(slot, Metric::cpu).writeTo(out);
                Percentiles.of(slot, Metric::heap).writeTo(out);
                slot = new ArrayList<>();
            }
        }
    }

    private void compact(RecordFile file) throws IOException {
        synchronized (file) {
            long oldest = System.currentTimeMillis() - RETENTION;
            file.compact(file.count() - reader.read(file, oldest, Long.MAX_VALUE).size());
        }
    }

    @Override
    public void close() {
        scheduler.shutdownNow();
    }
}
