// A stand-in for libasyncProfiler.so that the tests compile: it takes the options
// the real one takes, writes each command to TRACE, and "records" by copying
// FIXTURE to file= when it is stopped. It links with nothing of the JVM's.
#include <stdio.h>
#include <string.h>

static int running;

static int option(const char *options, const char *name, char *value, size_t size) {
    size_t n = strlen(name);
    for (const char *p = options; p != NULL; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        if (strncmp(p, name, n) != 0) continue;
        size_t len = strcspn(p + n, ",");
        if (len >= size) return 0;
        memcpy(value, p + n, len);
        value[len] = 0;
        return 1;
    }
    return 0;
}

static int copy(const char *from, const char *to) {
    char buf[4096];
    size_t n;
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    if (in == NULL || out == NULL) return 0;
    while ((n = fread(buf, 1, sizeof buf, in)) > 0) fwrite(buf, 1, n, out);
    fclose(in);
    return fclose(out) == 0;
}

static int fail(const char *log, const char *text) {
    FILE *f = fopen(log, "w");
    if (f != NULL) {
        fprintf(f, "[ERROR] %s\n", text);
        fclose(f);
    }
    return 200;
}

int Agent_OnAttach(void *vm, char *options, void *reserved) {
    char file[1024], log[1024];
    (void)vm, (void)reserved;
    FILE *trace = fopen(TRACE, "a");
    if (trace != NULL) {
        fprintf(trace, "%s\n", options);
        fclose(trace);
    }
    if (!option(options, "file=", file, sizeof file) || !option(options, "log=", log, sizeof log)) return 100;
    if (strncmp(options, "start,", 6) == 0) {
        if (strstr(options, "event=cpu,") != NULL) return fail(log, "No access to perf events. Try --fdtransfer or --all-user option or 'sysctl kernel.perf_event_paranoid=1'");
        if (running) return fail(log, "Profiler already started");
        running = 1;
        return copy(FIXTURE, file) ? 0 : fail(log, "Could not open"); // the real one too writes as it goes
    }
    if (!running) return fail(log, "Profiler is not active");
    running = 0;
    return copy(FIXTURE, file) ? 0 : fail(log, "Could not copy");
}
