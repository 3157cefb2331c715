package org.example.collector.chart;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;

/** What a dashboard asks for: a target's records in [from, until), one point a step. Milliseconds. */
record ChartQuery(String target, long from, long until, long step) {
    private static final long MAX_POINTS = 10_000;

    /**
     * Reads ?target=T&seconds=N&step=S (the last N seconds) or ?target=T&from=MS&until=MS&step=S.
     *
     * @throws IllegalArgumentException with the reason to tell the client
     */
    static ChartQuery parse(URI uri, long now) {
        Map<String, String> parameters = new HashMap<>();
        String query = uri.getQuery();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            int equals = pair.indexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException("not NAME=VALUE: " + pair);
            }
            parameters.put(pair.substring(0, equals), pair.substring(equals + 1));
        }
        String target = parameters.get("target");
        if (target == null) {
            throw new IllegalArgumentException("target is missing");
        }
        long step = number(parameters, "step", 5) * 1000;
        long until = number(parameters, "until", now);
        long from = number(parameters, "from", until - number(parameters, "seconds", 300) * 1000);
        if (step <= 0 || from < 0 || until < from || (until - from) / step > MAX_POINTS) {
            throw new IllegalArgumentException("not a range of at most " + MAX_POINTS + " points");
        }
        return new ChartQuery(target, from, until, step);
    }

    private static long number(Map<String, String> parameters, String name, long otherwise) {
        String value = parameters.get(name);
        if (value == null) {
            return otherwise;
        }
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " is not a number: " + value, e);
        }
    }
}
