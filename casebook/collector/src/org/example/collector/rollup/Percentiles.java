package org.example.collector.rollup;

import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.example.collector.store.Metric;

/** Median, 95th and 99th percentile and maximum of one field. */
record Percentiles(double median, double p95, double p99, double max) {
    static Percentiles of(List<Metric> records, ToDoubleFunction<Metric> field) {
        List<Double> values = new ArrayList<>(records.size());
        for (Metric record : records) {
            values.add(field.applyAsDouble(record));
        }
        Collections.sort(values);
        return new Percentiles(rank(values, 0.5), rank(values, 0.95), rank(values, 0.99), rank(values, 1));
    }

    private static double rank(List<Double> sorted, double share) {
        return sorted.get((int) Math.ceil(share * sorted.size()) - 1);
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeDouble(median);
        out.writeDouble(p95);
        out.writeDouble(p99);
        out.writeDouble(max);
    }
}
