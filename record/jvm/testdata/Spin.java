import java.util.concurrent.ThreadLocalRandom;

/** Spin N threads that burn CPU in two methods, allocating a little; "load" classes to keep the JIT busy at first. */
public class Spin {
    static volatile long sink;

    public static void main(String[] args) throws Exception {
        int n = Integer.parseInt(args[0]);
        for (int i = 0; i < n; i++) {
            Thread t = new Thread(Spin::work, "spin-" + i);
            t.setDaemon(true);
            t.start();
        }
        System.out.println("ready");
        Thread.sleep(Long.MAX_VALUE);
    }

    static void work() {
        while (true) {
            hot();
            warm();
        }
    }

    static void hot() {
        long x = ThreadLocalRandom.current().nextLong();
        for (int i = 0; i < 300_000; i++) x = x * 6364136223846793005L + 1442695040888963407L;
        sink = x;
    }

    static void warm() {
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < 2_000; i++) b.append(i);
        sink = b.length();
    }
}
