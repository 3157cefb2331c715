package org.example.collector.store;

/**
 * What a target reports of one second. On disk and on the wire it takes 32 bytes, big endian:
 * time 8 (epoch milliseconds), requests 4, errors 4, cpu 4 (per mille), heap 4 (KiB),
 * latency 8 (sum over the requests, milliseconds).
 */
public record Metric(long time, int requests, int errors, int cpu, int heap, double latency) {
    public static final int BYTES = 32;
}
