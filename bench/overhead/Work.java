import com.sun.net.httpserver.HttpServer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.LongAdder;

/**
 * The measured workload: "cpu" does units of work on one thread, "serve" does the same kind of work for HTTP requests,
 * "idle" is one of ten JVMs that do a little. On each line of input it prints operations done and worker CPU nanoseconds.
 */
public class Work {
    static final LongAdder ops = new LongAdder();
    static final Set<Long> workers = ConcurrentHashMap.newKeySet();
    static volatile Object sink;

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "cpu" -> start("worker", () -> { for (;;) { unit(new Random(ops.sum() % 64)); ops.increment(); } });
            case "serve" -> serve();
            case "idle" -> start("worker", () -> { for (;;) { unit(new Random(ops.sum() % 64)); ops.increment(); pause(50); } });
            default -> throw new IllegalArgumentException(args[0]);
        }
        ThreadMXBean mx = ManagementFactory.getThreadMXBean();
        System.out.println("ready");
        Scanner in = new Scanner(System.in);
        while (in.hasNextLine()) {
            in.nextLine();
            long cpu = 0;
            for (long id : workers) cpu += Math.max(0, mx.getThreadCpuTime(id));
            System.out.println("done " + ops.sum() + " " + cpu);
        }
        System.exit(0);
    }

    static void start(String name, Runnable r) {
        Thread t = new Thread(r, name);
        t.setDaemon(true);
        workers.add(t.getId());
        t.start();
    }

    static void pause(long ms) {
        try { Thread.sleep(ms); } catch (InterruptedException e) { throw new RuntimeException(e); }
    }

    /** About a millisecond of what services do: build, hash, sort and print a few hundred records. */
    static void unit(Random r) {
        Map<String, List<Integer>> m = new HashMap<>();
        for (int i = 0; i < 1500; i++) m.computeIfAbsent("key-" + r.nextInt(200), k -> new ArrayList<>()).add(r.nextInt());
        List<String> keys = new ArrayList<>(m.keySet());
        Collections.sort(keys);
        StringBuilder b = new StringBuilder();
        for (String k : keys) { List<Integer> v = m.get(k); Collections.sort(v); b.append(k).append('=').append(v.get(v.size() / 2)).append(';'); }
        sink = b.toString();
    }

    static void serve() throws Exception {
        HttpServer s = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        s.setExecutor(Executors.newFixedThreadPool(4, r -> { Thread t = new Thread(r, "http-exec-" + workers.size()); workers.add(t.getId()); t.setDaemon(true); return t; }));
        s.createContext("/", x -> {
            unit(new Random(ops.sum() % 64));
            byte[] body = sink.toString().getBytes(StandardCharsets.UTF_8);
            x.sendResponseHeaders(200, body.length);
            try (var o = x.getResponseBody()) { o.write(body); }
            ops.increment();
        });
        s.start();
        System.out.println("port " + s.getAddress().getPort());
    }
}
