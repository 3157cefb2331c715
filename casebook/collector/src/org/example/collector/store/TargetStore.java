package org.example.collector.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;

/** The files of all targets, by name. */
public final class TargetStore {
    private static final int MAX_TARGETS = 1000;

    private final Path dir;
    private final ConcurrentSkipListMap<String, RecordFile> files = new ConcurrentSkipListMap<>();

    public TargetStore(Path dir) throws IOException {
        this.dir = Files.createDirectories(dir);
    }

    /** The file of a target, made when it is new. Names are letters, digits, dots and dashes. */
    public RecordFile open(String target) throws IOException {
        if (!target.matches("[A-Za-z0-9][A-Za-z0-9.-]{0,63}")) {
            throw new IOException("not a target name: " + target);
        }
        if (files.size() >= MAX_TARGETS && !files.containsKey(target)) {
            throw new IOException("more than " + MAX_TARGETS + " targets");
        }
        try {
            return files.computeIfAbsent(target, this::create);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private RecordFile create(String target) {
        try {
            return new RecordFile(target, dir.resolve(target + ".rec"));
        } catch (IOException e) {
            throw new UncheckedIOException("create file of " + target, e);
        }
    }

    /** The file of a target, null when it never reported. */
    public RecordFile find(String target) {
        return files.get(target);
    }

    public List<RecordFile> all() {
        return new ArrayList<>(files.values());
    }

    public void close() throws IOException {
        for (RecordFile file : files.values()) {
            file.close();
        }
    }
}
