package org.example.collector.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** Reads records out of the page cache through a mapping: no system call and no copy. */
final class MappedRecordReader extends RecordReader {
    @Override
    long timeAt(RecordFile file, long index) throws IOException {
        return file.mapped().getLong((int) (index * Metric.BYTES));
    }

    @Override
    List<Metric> readWhile(RecordFile file, long first, long until) throws IOException {
        long left = file.count() - first;
        List<Metric> records = sized(left);
        if (left == 0) {
            return records;
        }
        ByteBuffer view = file.mapped().duplicate().position((int) (first * Metric.BYTES));
        for (; left > 0; left--) {
            Metric record = RecordFile.decode(view);
            if (record.time() >= until) {
                break;
            }
            records.add(record);
        }
        return records;
    }
}
