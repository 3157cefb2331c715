import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntUnaryOperator;
import jdk.jfr.Event;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import jdk.jfr.Timestamp;

/**
 * A small service for the decoder's tests: Load MILLISECONDS [COMMITS]. It
 * computes on varied stacks, allocates, parks, sleeps, waits for a monitor and a
 * socket, reads and writes a file, starts threads all along, and commits events
 * of its own, COMMITS a round, with every kind of field. One type of them is
 * only declared half way.
 */
public class Load {
    static volatile Object sink;
    static final Object lock = new Object();

    @Name("load.Fields")
    static class Fields extends Event {
        boolean flag;
        byte b;
        char c;
        short s;
        int i;
        long l;
        float f;
        double d;
        String text;
        Class<?> type;
        Thread thread;
        @Timespan(Timespan.MILLISECONDS) long span;
        @Timespan(Timespan.NANOSECONDS) long nanos;
        @Timespan(Timespan.TICKS) long ticks;
        @Timestamp(Timestamp.MILLISECONDS_SINCE_EPOCH) long stamp;
    }

    @Name("load.Late")
    @StackTrace(false)
    static class Late extends Event {
        String text;
        int number;
    }

    @Name("load.Burst")
    @StackTrace(false)
    static class Burst extends Event {
        String text;
    }

    static final String[] TEXTS = {
        null, "", "plain", "caf\u00e9", "\u6f22\u5b57 and more", "\ud83d\ude00 smile", "x".repeat(700), "\u6f22".repeat(200),
        "repeated often enough to become a constant of the pool of strings",
    };

    static void commitFields(int n) {
        Fields e = new Fields();
        e.begin();
        e.flag = n % 2 == 0;
        e.b = (byte) (n * 37);
        e.c = (char) (n * 1023 % 0xd800); // no lone surrogates
        e.s = (short) (n * -77);
        e.i = n * -1_000_003;
        e.l = n * -9_000_000_000_007L;
        e.f = n / 7f;
        e.d = n / -3.0;
        e.text = TEXTS[n % TEXTS.length];
        if (n % TEXTS.length == 6) {
            e.text += n; // never twice the same
        }
        e.type = n % 5 == 0 ? null : (n % 2 == 0 ? String[][].class : Load.class);
        e.thread = n % 3 == 0 ? null : Thread.currentThread();
        e.span = n % 11 == 0 ? Long.MIN_VALUE : n * 3L;
        e.nanos = n * 5L;
        e.ticks = n * 7L;
        e.stamp = 1_700_000_000_000L + n;
        e.commit();
    }

    /** Fills the first chunk, however slow the machine is. */
    static void burst(int events) {
        for (int n = 0; n < events; n++) {
            Burst e = new Burst();
            e.text = "y".repeat(2500) + n;
            e.commit();
        }
    }

    static void commitLate(int n) {
        Late e = new Late();
        e.text = "late " + n;
        e.number = -n;
        e.commit();
    }

    static long fib(int n) {
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
    }

    static long deep(int depth, IntUnaryOperator f, int n) {
        return depth == 0 ? fib(18) + f.applyAsInt(n) : deep(depth - 1, f, n) + 1;
    }

    static void compute(long end) {
        for (int n = 0; System.currentTimeMillis() < end; n++) {
            int m = n;
            sink = deep(n % 90, x -> x + m, n);
            sink = new byte[8192];
            List<String> words = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                words.add(Integer.toString(i * n));
            }
            words.sort((a, b) -> b.compareTo(a));
            sink = words;
            synchronized (lock) {
                sink = fib(12);
            }
        }
    }

    static void waitAround(long end) {
        while (System.currentTimeMillis() < end) {
            LockSupport.parkNanos(12_000_000);
            synchronized (lock) {
                try {
                    lock.wait(11);
                    Thread.sleep(12);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }
    }

    static void files(long end) throws Exception {
        File file = File.createTempFile("load", ".bin");
        while (System.currentTimeMillis() < end) {
            try (FileOutputStream out = new FileOutputStream(file)) {
                out.write(new byte[100_000]);
            }
            try (FileInputStream in = new FileInputStream(file)) {
                sink = in.readAllBytes();
            }
            Thread.sleep(5);
        }
        file.delete();
    }

    /** Where the JDK has virtual threads (21 and later), parks one. */
    static void virtual() throws Exception {
        try {
            Runnable park = () -> LockSupport.parkNanos(11_000_000);
            ((Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, park)).join();
        } catch (NoSuchMethodException e) {
            sink = e;
        }
    }

    interface Job {
        void run() throws Exception;
    }

    static Thread start(String name, Job job) {
        Thread t = new Thread(() -> {
            try {
                job.run();
            } catch (Exception e) {
                throw new RuntimeException(e);
            }
        }, name);
        t.start();
        return t;
    }

    public static void main(String[] args) throws Exception {
        long begin = System.currentTimeMillis();
        long end = begin + Long.parseLong(args[0]);
        int commits = args.length > 1 ? Integer.parseInt(args[1]) : 80;
        long half = (begin + end) / 2;
        if (commits > 10) {
            burst(10 * commits);
        }
        List<Thread> threads = new ArrayList<>();
        try (ServerSocket server = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            threads.add(start("compute-1", () -> compute(end)));
            threads.add(start("compute-\u6f22\u00e9", () -> compute(end)));
            threads.add(start("waiter-1", () -> waitAround(end)));
            threads.add(start("files-1", () -> files(end)));
            Thread accept = start("accept-1", () -> {
                try (Socket s = server.accept()) {
                    while (s.getInputStream().read() >= 0) {
                        sink = s;
                    }
                }
            });
            try (Socket client = new Socket(server.getInetAddress(), server.getLocalPort())) {
                for (int n = 0; System.currentTimeMillis() < end; n++) {
                    client.getOutputStream().write(n);
                    for (int i = 0; i < commits; i++) {
                        commitFields(n * commits + i);
                    }
                    if (System.currentTimeMillis() > half) {
                        commitLate(n);
                    }
                    start("short-" + n, () -> {
                        sink = fib(10);
                        LockSupport.parkNanos(10_500_000);
                    }).join();
                    virtual();
                    Thread.sleep(5);
                }
            }
            accept.join();
        }
        for (Thread t : threads) {
            t.join();
        }
    }
}
