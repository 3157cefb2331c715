package org.example.collector.load;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;

/** One agent: sends the record of the last second, and at first those of the last minutes. */
final class AgentSimulator implements Closeable {
    private static final int MAGIC = 0x434f4c31;
    private static final int RECORD = 32;
    private static final int BACKLOG = 7200; // seconds, what the server keeps
    private static final int TIMEOUT_MILLIS = 60_000;

    private final int number;
    private final Socket socket = new Socket();
    private final DataOutputStream out;
    private final DataInputStream in;
    private long next; // epoch second to be sent next

    AgentSimulator(int number, int port, long now) throws IOException {
        this.number = number;
        this.next = now / 1000 - BACKLOG;
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT_MILLIS);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.setTcpNoDelay(true);
        out = new DataOutputStream(socket.getOutputStream());
        in = new DataInputStream(socket.getInputStream());
        ByteBuffer hello = ByteBuffer.allocate(64);
        hello.putInt(MAGIC);
        byte[] name = target(number).getBytes("UTF-8");
        hello.putShort((short) name.length).put(name);
        out.write(hello.array(), 0, hello.position());
    }

    static String target(int number) {
        return "target-" + number;
    }

    /** Sends every full second that has not been sent. */
    void send(long now) throws IOException {
        int records = (int) Math.min(now / 1000 - next, BACKLOG);
        if (records <= 0) {
            return;
        }
        ByteBuffer frame = ByteBuffer.allocate(2 + records * RECORD);
        frame.putShort((short) records);
        for (int i = 0; i < records; i++) {
            encode(next++, frame);
        }
        out.write(frame.array());
        if (in.readInt() != records) {
            throw new IOException("server did not take all records of " + target(number));
        }
    }

    /** A plausible second: a wave with some noise, both decided by target and time alone. */
    private void encode(long second, ByteBuffer to) {
        long noise = mix(second * 31 + number);
        double wave = 1 + 0.5 * Math.sin(2 * Math.PI * (second % 600) / 600 + number);
        int requests = (int) (100 * wave) + (int) (noise & 15);
        to.putLong(second * 1000);
        to.putInt(requests);
        to.putInt((noise >> 8 & 63) == 0 ? 3 : 0);
        to.putInt((int) (300 * wave + (noise >> 16 & 31)));
        to.putInt((int) (200_000 + (second * 700 + number * 5000L) % 100_000));
        to.putDouble(requests * (12 + 4 * wave + (noise >> 24 & 7)));
    }

    private static long mix(long x) {
        x = (x ^ x >>> 30) * 0xbf58476d1ce4e5b9L;
        x = (x ^ x >>> 27) * 0x94d049bb133111ebL;
        return x ^ x >>> 31;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
