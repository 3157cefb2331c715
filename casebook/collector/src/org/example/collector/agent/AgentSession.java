package org.example.collector.agent;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;
import org.example.collector.store.FlushService;
import org.example.collector.store.Metric;
import org.example.collector.store.RecordFile;
import org.example.collector.store.TargetStore;

/**
 * One agent. All numbers big endian:
 *
 * <pre>
 *   agent:  magic 4 "COL1" | length of name 2 | name, UTF-8
 *   agent:  number of records 2 | records, 32 bytes each      repeated
 *   server: number of records 4                               after each
 * </pre>
 */
final class AgentSession {
    private static final int START = 4096;

    private final SocketChannel channel;
    private final String peer;
    private final TargetStore store;
    private final FlushService flush;
    private final ByteBuffer answer = ByteBuffer.allocate(4);
    private ByteBuffer received = ByteBuffer.allocate(START);
    private RecordFile file;

    AgentSession(SocketChannel channel, TargetStore store, FlushService flush) throws IOException {
        this.channel = channel;
        this.peer = "agent " + channel.getRemoteAddress();
        this.store = store;
        this.flush = flush;
    }

    /** Takes what has arrived; false when the agent has hung up. */
    boolean read() throws IOException, InterruptedException {
        if (channel.read(received) < 0) {
            return false;
        }
        received.flip();
        int missing = parse();
        received.compact();
        if (missing > received.remaining()) {
            received = ByteBuffer.allocate(received.position() + missing).put(received.flip());
        }
        return true;
    }

    /** Consumes whole messages; returns how many bytes the one that has begun still needs. */
    private int parse() throws IOException, InterruptedException {
        if (file == null) {
            int missing = FrameDecoder.missingOfHello(received);
            if (missing > 0) {
                return missing;
            }
            file = store.open(FrameDecoder.hello(received));
        }
        while (true) {
            int missing = FrameDecoder.missing(received);
            if (missing > 0) {
                return missing;
            }
            List<Metric> records = FrameDecoder.next(received);
            flush.enqueue(file, records);
            acknowledge(records.size());
        }
    }

    private void acknowledge(int records) throws IOException {
        answer.clear().putInt(records).flip();
        if (channel.write(answer) != 4) {
            throw new IOException("does not read its acknowledgements");
        }
    }

    @Override
    public String toString() {
        return peer;
    }
}
