import java.util.ArrayList;
import java.util.List;

/** Does a little of everything a timeline shows: garbage, exceptions, locks, classes. */
public class Facts {
    static final Object lock = new Object();
    static volatile Object keep;

    static void hold() throws InterruptedException {
        synchronized (lock) {
            Thread.sleep(20);
        }
    }

    public static void main(String[] args) throws Exception {
        for (int i = 0; i < 2; i++) {
            Thread t = new Thread(() -> {
                try {
                    while (true) hold();
                } catch (InterruptedException e) {
                    // ends
                }
            }, "holder-" + i);
            t.setDaemon(true);
            t.start();
        }
        System.out.println("ready");
        long end = System.nanoTime() + 120_000_000_000L;
        for (int n = 0; System.nanoTime() < end; n++) {
            List<byte[]> list = new ArrayList<>();
            for (int i = 0; i < 200; i++) list.add(new byte[10_000]);
            keep = list;
            try {
                throw new IllegalStateException("number " + n);
            } catch (IllegalStateException e) {
                // counted
            }
            if (n % 200 == 0) Thread.sleep(5);
        }
    }
}
