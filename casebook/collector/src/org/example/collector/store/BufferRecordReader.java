package org.example.collector.store;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** Reads many records with one system call and decodes them in memory. */
final class BufferRecordReader extends RecordReader {
    private static final int RECORDS = 512;

    @Override
    long timeAt(RecordFile file, long index) throws IOException {
        return fill(file, index, 1).getLong();
    }

    @Override
    List<Metric> readWhile(RecordFile file, long first, long until) throws IOException {
        long left = file.count() - first;
        List<Metric> records = sized(left);
        while (left > 0) {
            int n = (int) Math.min(left, RECORDS);
            ByteBuffer buffer = fill(file, first, n);
            for (int i = 0; i < n; i++) {
                Metric record = RecordFile.decode(buffer);
                if (record.time() >= until) {
                    return records;
                }
                records.add(record);
            }
            first += n;
            left -= n;
        }
        return records;
    }

    private static ByteBuffer fill(RecordFile file, long index, int records) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(records * Metric.BYTES);
        long position = index * Metric.BYTES;
        while (buffer.hasRemaining()) {
            int n = file.channel().read(buffer, position);
            if (n < 0) {
                throw new EOFException(file.target() + " ends at byte " + position);
            }
            position += n;
        }
        return buffer.flip();
    }
}
