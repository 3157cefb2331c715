package org.example.collector.chart;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.example.collector.store.Metric;
import org.example.collector.store.RecordFile;
import org.example.collector.store.RecordReader;

/** Turns records into what a chart shows. */
final class ChartService {
    private final RecordReader reader;

    ChartService(RecordReader reader) {
        this.reader = reader;
    }

    private record Point(long time, long requests, long errors, long cpu, long heap, double latency) {}

    /** The chart as JSON: one array a point, mean latency in milliseconds with three decimals. */
    String chart(RecordFile file, ChartQuery query) throws IOException {
        List<Metric> records = reader.read(file, query.from(), query.until());
        return render(query, downsample(records, query));
    }

    private static List<Point> downsample(List<Metric> records, ChartQuery query) {
        List<Point> points = new ArrayList<>();
        int i = 0;
        while (i < records.size()) {
            long slot = (records.get(i).time() - query.from()) / query.step();
            long requests = 0;
            long errors = 0;
            long cpu = 0;
            long heap = 0;
            double latency = 0;
            int n = 0;
            for (; i < records.size() && (records.get(i).time() - query.from()) / query.step() == slot; i++, n++) {
                Metric record = records.get(i);
                requests += record.requests();
                errors += record.errors();
                cpu += record.cpu();
                heap = Math.max(heap, record.heap());
                latency += record.latency();
            }
            points.add(new Point(query.from() + slot * query.step(), requests, errors, cpu / n, heap,
                    requests == 0 ? 0 : latency / requests));
        }
        return points;
    }

    private static String render(ChartQuery query, List<Point> points) {
        StringBuilder json = new StringBuilder(64 + points.size() * 48);
        json.append("{\"target\":\"").append(query.target()).append("\",\"points\":[");
        for (int i = 0; i < points.size(); i++) {
            Point point = points.get(i);
            json.append(i == 0 ? "[" : ",[").append(point.time()).append(',').append(point.requests()).append(',')
                    .append(point.errors()).append(',').append(point.cpu()).append(',').append(point.heap())
                    .append(',').append(Math.round(point.latency() * 1000) / 1000.0).append(']');
        }
        return json.append("]}\n").toString();
    }
}
