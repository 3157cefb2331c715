package org.example.collector.store;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * The records of one target, in order of time. The file grows by whole chunks, so only the first
 * {@link #count()} records mean anything. Guarded by its own monitor: whoever reads holds it, because
 * the file has one position and compaction replaces the file.
 */
public final class RecordFile {
    private static final int CHUNK = 8192 * Metric.BYTES;

    private final String target;
    private final Path path;
    private RandomAccessFile raf;
    private MappedByteBuffer mapped;
    private long count;
    private long lastTime = Long.MIN_VALUE;

    RecordFile(String target, Path path) throws IOException {
        this.target = target;
        this.path = path;
        this.raf = new RandomAccessFile(path.toFile(), "rw");
        this.raf.setLength(0);
    }

    public String target() {
        return target;
    }

    public synchronized long count() {
        return count;
    }

    synchronized RandomAccessFile raf() {
        return raf;
    }

    synchronized FileChannel channel() {
        return raf.getChannel();
    }

    /** The whole file in memory; mapped again only when the file has grown by a chunk. */
    synchronized MappedByteBuffer mapped() throws IOException {
        if (mapped == null) {
            mapped = raf.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, raf.length());
        }
        return mapped;
    }

    /** Appends what is newer than the newest record; an agent that sends twice is not stored twice. */
    public synchronized void append(List<Metric> records) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(records.size() * Metric.BYTES);
        int added = 0;
        for (Metric record : records) {
            if (record.time() > lastTime) {
                encode(record, buffer);
                lastTime = record.time();
                added++;
            }
        }
        buffer.flip();
        write(raf, count, buffer);
        if (mapped != null && raf.length() > mapped.capacity()) {
            mapped = null;
        }
        count += added;
    }

    private static void write(RandomAccessFile to, long index, ByteBuffer buffer) throws IOException {
        long position = index * Metric.BYTES;
        long end = position + buffer.remaining();
        if (end > to.length()) {
            to.setLength((end / CHUNK + 1) * CHUNK);
        }
        while (buffer.hasRemaining()) {
            position += to.getChannel().write(buffer, position);
        }
    }

    /** Drops everything before the record at index first. */
    public synchronized void compact(long first) throws IOException {
        if (first <= 0) {
            return;
        }
        ByteBuffer rest = ByteBuffer.allocate((int) ((count - first) * Metric.BYTES));
        long position = first * Metric.BYTES;
        while (rest.hasRemaining()) {
            int n = raf.getChannel().read(rest, position);
            if (n < 0) {
                throw new IOException(path + " ends before record " + count);
            }
            position += n;
        }
        rest.flip();
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        RandomAccessFile next = new RandomAccessFile(fresh.toFile(), "rw");
        try {
            next.setLength(0);
            write(next, 0, rest);
            next.getChannel().force(false);
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            next.close();
            throw e;
        }
        raf.close();
        raf = next;
        mapped = null;
        count -= first;
    }

    synchronized void close() throws IOException {
        mapped = null;
        raf.close();
    }

    static void encode(Metric record, ByteBuffer to) {
        to.putLong(record.time());
        to.putInt(record.requests());
        to.putInt(record.errors());
        to.putInt(record.cpu());
        to.putInt(record.heap());
        to.putDouble(record.latency());
    }

    public static Metric decode(ByteBuffer from) {
        return new Metric(from.getLong(), from.getInt(), from.getInt(), from.getInt(), from.getInt(), from.getDouble());
    }
}
