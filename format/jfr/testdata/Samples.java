import java.util.SplittableRandom;

/**
 * Stacks for the benchmarks: Samples MILLISECONDS [THREADS]. Threads walk
 * random paths through sixty methods in six classes, 8 to 60 calls deep, as the
 * layers of a service do, and compute at the end of each.
 */
public class Samples {
    static volatile long sink;

    static long work(SplittableRandom r) {
        long sum = 0;
        for (int i = 0, n = 20_000 + r.nextInt(60_000); i < n; i++) {
            sum += Long.rotateLeft(sum ^ i, 7) * 31;
        }
        return sum;
    }

    static long next(SplittableRandom r, int depth) {
        if (depth == 0) {
            return work(r);
        }
        switch (r.nextInt(6)) {
            case 0:
                return Http.route(r, depth - 1);
            case 1:
                return Filters.route(r, depth - 1);
            case 2:
                return Orders.route(r, depth - 1);
            case 3:
                return Prices.route(r, depth - 1);
            case 4:
                return Rows.route(r, depth - 1);
            default:
                return Codec.route(r, depth - 1);
        }
    }

    static class Http {
        static long route(SplittableRandom r, int depth) {
            switch (r.nextInt(10)) {
                case 0:
                    return http0(r, depth) + 1;
                case 1:
                    return http1(r, depth) + 1;
                case 2:
                    return http2(r, depth) + 1;
                case 3:
                    return http3(r, depth) + 1;
                case 4:
                    return http4(r, depth) + 1;
                case 5:
                    return http5(r, depth) + 1;
                case 6:
                    return http6(r, depth) + 1;
                case 7:
                    return http7(r, depth) + 1;
                case 8:
                    return http8(r, depth) + 1;
                default:
                    return http9(r, depth) + 1;
            }
        }

        static long http0(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 3;
        }

        static long http1(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 4;
        }

        static long http2(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 5;
        }

        static long http3(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 6;
        }

        static long http4(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 7;
        }

        static long http5(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 8;
        }

        static long http6(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 9;
        }

        static long http7(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 10;
        }

        static long http8(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 11;
        }

        static long http9(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 12;
        }
    }

    static class Filters {
        static long route(SplittableRandom r, int depth) {
            switch (r.nextInt(10)) {
                case 0:
                    return filters0(r, depth) + 1;
                case 1:
                    return filters1(r, depth) + 1;
                case 2:
                    return filters2(r, depth) + 1;
                case 3:
                    return filters3(r, depth) + 1;
                case 4:
                    return filters4(r, depth) + 1;
                case 5:
                    return filters5(r, depth) + 1;
                case 6:
                    return filters6(r, depth) + 1;
                case 7:
                    return filters7(r, depth) + 1;
                case 8:
                    return filters8(r, depth) + 1;
                default:
                    return filters9(r, depth) + 1;
            }
        }

        static long filters0(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 3;
        }

        static long filters1(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 4;
        }

        static long filters2(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 5;
        }

        static long filters3(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 6;
        }

        static long filters4(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 7;
        }

        static long filters5(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 8;
        }

        static long filters6(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 9;
        }

        static long filters7(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 10;
        }

        static long filters8(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 11;
        }

        static long filters9(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 12;
        }
    }

    static class Orders {
        static long route(SplittableRandom r, int depth) {
            switch (r.nextInt(10)) {
                case 0:
                    return orders0(r, depth) + 1;
                case 1:
                    return orders1(r, depth) + 1;
                case 2:
                    return orders2(r, depth) + 1;
                case 3:
                    return orders3(r, depth) + 1;
                case 4:
                    return orders4(r, depth) + 1;
                case 5:
                    return orders5(r, depth) + 1;
                case 6:
                    return orders6(r, depth) + 1;
                case 7:
                    return orders7(r, depth) + 1;
                case 8:
                    return orders8(r, depth) + 1;
                default:
                    return orders9(r, depth) + 1;
            }
        }

        static long orders0(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 3;
        }

        static long orders1(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 4;
        }

        static long orders2(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 5;
        }

        static long orders3(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 6;
        }

        static long orders4(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 7;
        }

        static long orders5(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 8;
        }

        static long orders6(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 9;
        }

        static long orders7(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 10;
        }

        static long orders8(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 11;
        }

        static long orders9(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 12;
        }
    }

    static class Prices {
        static long route(SplittableRandom r, int depth) {
            switch (r.nextInt(10)) {
                case 0:
                    return prices0(r, depth) + 1;
                case 1:
                    return prices1(r, depth) + 1;
                case 2:
                    return prices2(r, depth) + 1;
                case 3:
                    return prices3(r, depth) + 1;
                case 4:
                    return prices4(r, depth) + 1;
                case 5:
                    return prices5(r, depth) + 1;
                case 6:
                    return prices6(r, depth) + 1;
                case 7:
                    return prices7(r, depth) + 1;
                case 8:
                    return prices8(r, depth) + 1;
                default:
                    return prices9(r, depth) + 1;
            }
        }

        static long prices0(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 3;
        }

        static long prices1(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 4;
        }

        static long prices2(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 5;
        }

        static long prices3(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 6;
        }

        static long prices4(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 7;
        }

        static long prices5(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 8;
        }

        static long prices6(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 9;
        }

        static long prices7(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 10;
        }

        static long prices8(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 11;
        }

        static long prices9(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 12;
        }
    }

    static class Rows {
        static long route(SplittableRandom r, int depth) {
            switch (r.nextInt(10)) {
                case 0:
                    return rows0(r, depth) + 1;
                case 1:
                    return rows1(r, depth) + 1;
                case 2:
                    return rows2(r, depth) + 1;
                case 3:
                    return rows3(r, depth) + 1;
                case 4:
                    return rows4(r, depth) + 1;
                case 5:
                    return rows5(r, depth) + 1;
                case 6:
                    return rows6(r, depth) + 1;
                case 7:
                    return rows7(r, depth) + 1;
                case 8:
                    return rows8(r, depth) + 1;
                default:
                    return rows9(r, depth) + 1;
            }
        }

        static long rows0(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 3;
        }

        static long rows1(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 4;
        }

        static long rows2(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 5;
        }

        static long rows3(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 6;
        }

        static long rows4(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 7;
        }

        static long rows5(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 8;
        }

        static long rows6(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 9;
        }

        static long rows7(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 10;
        }

        static long rows8(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 11;
        }

        static long rows9(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 12;
        }
    }

    static class Codec {
        static long route(SplittableRandom r, int depth) {
            switch (r.nextInt(10)) {
                case 0:
                    return codec0(r, depth) + 1;
                case 1:
                    return codec1(r, depth) + 1;
                case 2:
                    return codec2(r, depth) + 1;
                case 3:
                    return codec3(r, depth) + 1;
                case 4:
                    return codec4(r, depth) + 1;
                case 5:
                    return codec5(r, depth) + 1;
                case 6:
                    return codec6(r, depth) + 1;
                case 7:
                    return codec7(r, depth) + 1;
                case 8:
                    return codec8(r, depth) + 1;
                default:
                    return codec9(r, depth) + 1;
            }
        }

        static long codec0(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 3;
        }

        static long codec1(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 4;
        }

        static long codec2(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 5;
        }

        static long codec3(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 6;
        }

        static long codec4(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 7;
        }

        static long codec5(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 8;
        }

        static long codec6(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 9;
        }

        static long codec7(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 10;
        }

        static long codec8(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 11;
        }

        static long codec9(SplittableRandom r, int depth) {
            return next(r, Math.max(depth - 1, 0)) * 12;
        }
    }

    public static void main(String[] args) throws Exception {
        long end = System.currentTimeMillis() + Long.parseLong(args[0]);
        int threads = args.length > 1 ? Integer.parseInt(args[1]) : 6;
        Thread[] all = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            int seed = t;
            all[t] = new Thread(() -> {
                SplittableRandom r = new SplittableRandom(seed);
                while (System.currentTimeMillis() < end) {
                    sink = next(r, 8 + r.nextInt(52));
                }
            }, "worker-" + t);
            all[t].start();
        }
        for (Thread t : all) {
            t.join();
        }
    }
}
