package org.example.collector.load;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.URL;

/**
 * One person who looks at charts: asks, waits for the answer, thinks. Every ten seconds by the clock
 * all of them refresh the same overview, and so meet at the monitor of one file.
 */
final class Dashboard implements Runnable {
    private static final int TIMEOUT_MILLIS = 30_000;
    private static final int SECONDS_SHOWN = 300;
    private static final int OVERVIEW_SECONDS = 900;
    private static final long MAX_PAUSE_MILLIS = 1_000;
    private static final long OVERVIEW_EVERY = 10_000;

    private final int number;
    private final int dashboards;
    private final int targets;
    private final int port;
    private final ServerCheck check;

    Dashboard(int number, int dashboards, int targets, int port, ServerCheck check) {
        this.number = number;
        this.dashboards = dashboards;
        this.targets = targets;
        this.port = port;
        this.check = check;
    }

    @Override
    public void run() {
        try {
            long overview = 0;
            for (int i = number; ; i += dashboards) {
                long begin = System.nanoTime();
                try {
                    if (System.currentTimeMillis() / OVERVIEW_EVERY != overview) {
                        overview = System.currentTimeMillis() / OVERVIEW_EVERY;
                        chart(1, OVERVIEW_SECONDS);
                    }
                    chart(i % targets + 1, SECONDS_SHOWN);
                    check.answered();
                } catch (IOException e) {
                    check.failed(e);
                }
                Schedule now = Schedule.at(System.currentTimeMillis());
                double took = (System.nanoTime() - begin) / 1e6;
                double interval = Math.max(1000 / now.requestsPerSecond, took / now.duty) * dashboards;
                // Bounded, or one answer that a starved machine delayed would end the pattern.
                Thread.sleep((long) Math.min(Math.max(1, interval - took), MAX_PAUSE_MILLIS));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void chart(int target, int seconds) throws IOException {
        String path = "/chart?target=" + AgentSimulator.target(target) + "&seconds=" + seconds;
        URL url = new URL("http", InetAddress.getLoopbackAddress().getHostAddress(), port, path);
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        connection.setConnectTimeout(TIMEOUT_MILLIS);
        connection.setReadTimeout(TIMEOUT_MILLIS);
        try (InputStream answer = connection.getInputStream()) {
            answer.transferTo(OutputStream.nullOutputStream()); // or the connection is not used again
        }
    }
}
