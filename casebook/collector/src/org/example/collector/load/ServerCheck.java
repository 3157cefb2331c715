package org.example.collector.load;

import java.util.concurrent.TimeUnit;

/** Ends this program when the server has not answered for a while. */
final class ServerCheck {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(20);

    private long lastAnswer = System.nanoTime();
    private boolean ready;

    synchronized void answered() {
        lastAnswer = System.nanoTime();
        if (!ready) {
            ready = true;
            System.out.println("ready");
        }
    }

    void failed(Exception why) {
        synchronized (this) {
            if (System.nanoTime() - lastAnswer < PATIENCE) {
                return;
            }
        }
        System.err.println("the server is gone: " + why);
        System.exit(0);
    }
}
