package org.example.collector.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Reads the records of a time range. The three ways to do so give the same answer at different cost. */
public abstract class RecordReader {
    public static RecordReader of(String name) {
        switch (name) {
            case "stream":
                return new StreamRecordReader();
            case "buffer":
                return new BufferRecordReader();
            case "mapped":
                return new MappedRecordReader();
            default:
                throw new IllegalArgumentException("--reader: unknown " + name + " (want stream, buffer or mapped)");
        }
    }

    /** The records with from <= time < until, oldest first. */
    public final List<Metric> read(RecordFile file, long from, long until) throws IOException {
        synchronized (file) {
            long first = search(file, from);
            return readWhile(file, first, until);
        }
    }

    /** The index of the first record that is not before time. */
    private long search(RecordFile file, long time) throws IOException {
        long low = 0;
        long high = file.count();
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (timeAt(file, middle) < time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    abstract long timeAt(RecordFile file, long index) throws IOException;

    abstract List<Metric> readWhile(RecordFile file, long first, long until) throws IOException;

    static List<Metric> sized(long records) {
        return new ArrayList<>((int) Math.min(records, 4096));
    }
}
