import java.util.concurrent.locks.LockSupport;

/** Says "ready", keeps a few oddly named threads, and ends with its stdin. */
public class Target {
    static final Object LOCK = new Object();

    static void park(String name) {
        Thread t = new Thread(() -> { while (true) LockSupport.park(LOCK); }, name);
        t.setDaemon(true);
        t.start();
    }

    static void recurse(int n) {
        if (n > 0) { recurse(n - 1); return; }
        while (true) LockSupport.park(LOCK);
    }

    public static void main(String[] args) throws Exception {
        park("pool \"a\" [x] #7 prio=5 tid=0x1");
        park("two\nlines \"quoted");
        park("");
        for (int i = 0; i < 3; i++) park("http-nio-8080-exec-" + i);
        Thread deep = new Thread(null, () -> recurse(800), "deep", 64 << 20);
        deep.setDaemon(true);
        deep.start();
        Thread blocked = new Thread(() -> { synchronized (LOCK) { LOCK.hashCode(); } }, "blocked");
        blocked.setDaemon(true);
        synchronized (LOCK) {
            blocked.start();
            while (blocked.getState() != Thread.State.BLOCKED) Thread.sleep(1);
            System.out.println("ready");
            while (System.in.read() >= 0) { }
        }
        System.out.println("bye");
    }
}
