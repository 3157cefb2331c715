/** Burn CPU in early(); on a line of input burn 400 ms of CPU in last() and exit at once. */
public class Ends {
    static volatile long sink;
    static volatile boolean end;

    public static void main(String[] args) throws Exception {
        Thread t = new Thread(() -> {
            while (!end) early();
            var mx = java.lang.management.ManagementFactory.getThreadMXBean();
            long until = mx.getCurrentThreadCpuTime() + 400_000_000L;
            while (mx.getCurrentThreadCpuTime() < until) last();
            System.exit(0);
        }, "worker-1");
        t.start();
        System.out.println("ready");
        System.in.read();
        end = true;
    }

    static void early() {
        long x = sink;
        for (int i = 0; i < 100_000; i++) x = x * 31 + i;
        sink = x;
    }

    static void last() {
        long x = sink;
        for (int i = 0; i < 100_000; i++) x = x * 37 + i;
        sink = x;
    }
}
