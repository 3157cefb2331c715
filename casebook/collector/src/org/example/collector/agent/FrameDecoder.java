package org.example.collector.agent;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.example.collector.store.Metric;
import org.example.collector.store.RecordFile;

/** Takes messages out of a buffer. The missing methods consume nothing. */
final class FrameDecoder {
    private static final int MAGIC = 0x434f4c31;
    private static final int MAX_NAME = 64;
    private static final int MAX_RECORDS = 8192;

    private FrameDecoder() {}

    static int missingOfHello(ByteBuffer in) throws IOException {
        if (in.remaining() >= 4 && in.getInt(in.position()) != MAGIC) {
            throw new IOException("not an agent");
        }
        if (in.remaining() < 6) {
            return 6 - in.remaining();
        }
        int name = Short.toUnsignedInt(in.getShort(in.position() + 4));
        if (name > MAX_NAME) {
            throw new IOException("name of " + name + " bytes");
        }
        return Math.max(0, 6 + name - in.remaining());
    }

    static String hello(ByteBuffer in) {
        in.getInt();
        byte[] name = new byte[in.getShort()];
        in.get(name);
        return new String(name, StandardCharsets.UTF_8);
    }

    static int missing(ByteBuffer in) throws IOException {
        if (in.remaining() < 2) {
            return 2 - in.remaining();
        }
        int records = Short.toUnsignedInt(in.getShort(in.position()));
        if (records > MAX_RECORDS) {
            throw new IOException("frame of " + records + " records");
        }
        return Math.max(0, 2 + records * Metric.BYTES - in.remaining());
    }

    static List<Metric> next(ByteBuffer in) throws IOException {
        int count = in.getShort();
        List<Metric> records = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            Metric record = RecordFile.decode(in);
            if (record.time() < 0 || record.requests() < 0 || record.errors() < 0 || !(record.latency() >= 0)) {
                throw new IOException("record out of range: " + record);
            }
            records.add(record);
        }
        return records;
    }
}
