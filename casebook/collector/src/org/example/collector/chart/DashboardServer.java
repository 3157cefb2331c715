package org.example.collector.chart;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.example.collector.NamedThreads;
import org.example.collector.store.RecordFile;
import org.example.collector.store.RecordReader;
import org.example.collector.store.TargetStore;

/** Answers GET /chart (see ChartQuery) and GET /targets, lines "NAME RECORDS". */
public final class DashboardServer implements Closeable {
    private static final int THREADS = 4;

    private final TargetStore store;
    private final ChartService charts;
    private final HttpServer http;
    private final ExecutorService pool = Executors.newFixedThreadPool(THREADS, new NamedThreads("dashboard-exec"));

    public DashboardServer(int port, TargetStore store, RecordReader reader) throws IOException {
        this.store = store;
        this.charts = new ChartService(reader);
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 64);
        http.createContext("/chart", this::chart);
        http.createContext("/targets", this::targets);
        http.setExecutor(pool);
        http.start();
    }

    public int port() {
        return http.getAddress().getPort();
    }

    private void chart(HttpExchange exchange) throws IOException {
        ChartQuery query;
        try {
            query = ChartQuery.parse(exchange.getRequestURI(), System.currentTimeMillis());
        } catch (IllegalArgumentException e) {
            answer(exchange, 400, "text/plain", e.getMessage() + "\n");
            return;
        }
        RecordFile file = store.find(query.target());
        if (file == null) {
            answer(exchange, 404, "text/plain", "no such target\n");
            return;
        }
        answer(exchange, 200, "application/json", charts.chart(file, query));
    }

    private void targets(HttpExchange exchange) throws IOException {
        StringBuilder text = new StringBuilder();
        for (RecordFile file : store.all()) {
            text.append(file.target()).append(' ').append(file.count()).append('\n');
        }
        answer(exchange, 200, "text/plain", text.toString());
    }

    private static void answer(HttpExchange exchange, int status, String type, String body) throws IOException {
        try (exchange) {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    @Override
    public void close() {
        http.stop(0);
        pool.shutdownNow();
    }
}
