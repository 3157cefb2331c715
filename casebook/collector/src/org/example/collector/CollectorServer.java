package org.example.collector;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.example.collector.agent.AgentListener;
import org.example.collector.chart.DashboardServer;
import org.example.collector.rollup.RollupJob;
import org.example.collector.store.FlushService;
import org.example.collector.store.RecordReader;
import org.example.collector.store.TargetStore;

/**
 * The collection server.
 *
 * <pre>
 *   --dir DIR        working directory; must be new or hold .collector-demo; removed at the end
 *   --reader NAME    stream, buffer or mapped
 *   --agent-port N, --port N   loopback ports of agents and dashboards, 0 = any
 *   --parent PID     end when that process does, 0 = never
 * </pre>
 *
 * Prints "ready port=N agent-port=N" when it serves.
 */
public final class CollectorServer {
    private static final String MARKER = ".collector-demo";

    private CollectorServer() {}

    public static void main(String[] args) throws InterruptedException {
        try {
            run(args);
        } catch (IOException e) {
            System.err.println("the collector cannot start: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void run(String[] args) throws IOException, InterruptedException {
        System.setProperty("sun.net.httpserver.nodelay", "true"); // answers are one small write
        Options options;
        RecordReader reader;
        try {
            options = new Options(args);
            reader = RecordReader.of(options.text("reader", "stream"));
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            System.exit(2);
            return;
        }
        Path dir = claim(Path.of(options.text("dir", "collector-data")));
        TargetStore store = new TargetStore(dir.resolve("data"));
        FlushService flush = new FlushService(2);
        AgentListener agents = new AgentListener(options.number("agent-port", 0), store, flush);
        DashboardServer dashboards = new DashboardServer(options.number("port", 0), store, reader);
        RollupJob rollup = new RollupJob(store, dir.resolve("rollup"));

        CountDownLatch never = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                rollup.close();
                dashboards.close();
                agents.close();
                flush.close();
                store.close();
                remove(dir);
            } catch (IOException e) {
                System.err.println("shutdown: " + e);
            }
        }, "shutdown"));
        ParentWatch.start(options.number("parent", 0));
        System.out.println("ready port=" + dashboards.port() + " agent-port=" + agents.port());
        never.await();
    }

    /** Takes a directory that is nobody else's: an empty or new one, or one of an earlier run. */
    private static Path claim(Path dir) throws IOException {
        Files.createDirectories(dir);
        Path marker = dir.resolve(MARKER);
        if (!Files.exists(marker)) {
            try (Stream<Path> content = Files.list(dir)) {
                if (content.findAny().isPresent()) {
                    throw new IOException(dir + " is neither empty nor a directory of this program");
                }
            }
            Files.createFile(marker);
        }
        return dir;
    }

    private static void remove(Path dir) throws IOException {
        List<Path> paths;
        try (Stream<Path> tree = Files.walk(dir)) {
            paths = tree.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
        }
        for (Path path : paths) {
            Files.deleteIfExists(path);
        }
    }
}
