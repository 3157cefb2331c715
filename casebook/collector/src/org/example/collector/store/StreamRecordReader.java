package org.example.collector.store;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.util.List;

/**
 * Reads records as a stream of fields. Easy to read and to write; but nothing buffers between
 * DataInputStream and the file, so every byte is a system call.
 */
final class StreamRecordReader extends RecordReader {
    @Override
    long timeAt(RecordFile file, long index) throws IOException {
        return open(file, index).readLong();
    }

    @Override
    List<Metric> readWhile(RecordFile file, long first, long until) throws IOException {
        long left = file.count() - first;
        List<Metric> records = sized(left);
        DataInputStream in = open(file, first);
        for (; left > 0; left--) {
            Metric record = readRecord(in);
            if (record.time() >= until) {
                break;
            }
            records.add(record);
        }
        return records;
    }

    private static DataInputStream open(RecordFile file, long index) throws IOException {
        RandomAccessFile raf = file.raf();
        raf.seek(index * Metric.BYTES);
        return new DataInputStream(new RafInputStream(raf));
    }

    private static Metric readRecord(DataInputStream in) throws IOException {
        return new Metric(in.readLong(), in.readInt(), in.readInt(), in.readInt(), in.readInt(), in.readDouble());
    }

    /** A file as a stream. */
    private static final class RafInputStream extends InputStream {
        private final RandomAccessFile raf;

        RafInputStream(RandomAccessFile raf) {
            this.raf = raf;
        }

        @Override
        public int read() throws IOException {
            return raf.read();
        }
    }
}
