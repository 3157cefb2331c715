package org.example.collector.load;

/**
 * How many charts a second people ask for, by minute of the hour: always the same pattern, so that a
 * heat map of the server shows it. duty bounds the share of time spent waiting for answers, which
 * bounds the server's CPU on slow machines too.
 */
enum Schedule {
    QUIET(8, 0.08),
    NORMAL(45, 0.30),
    BUSY(150, 1.00);

    final double requestsPerSecond;
    final double duty;

    Schedule(double requestsPerSecond, double duty) {
        this.requestsPerSecond = requestsPerSecond;
        this.duty = duty;
    }

    static Schedule at(long epochMillis) {
        int minute = (int) (epochMillis / 60_000 % 60);
        if (minute % 15 == 3 || minute % 15 == 4) { // eight minutes an hour
            return BUSY;
        }
        if (minute / 10 % 2 == 1) { // 10-19, 30-39, 50-59
            return QUIET;
        }
        return NORMAL;
    }
}
