/* os_info.c: what a person wants to know of the machine; read from /proc and
 * /sys, whose files are short and whose lines are looked for by name. What is
 * not there stays unknown. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "midge/os.h"

#define CPUINFO_BYTES 16384 /* the first core, with all its flags */

/* The beginning of a file as a string; empty without the file. */
static void read_start(const char *path, char *text, size_t size) {
    size_t at = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && at < size - 1) {
        ssize_t n = read(fd, text + at, size - 1 - at);
        if (n <= 0) {
            break;
        }
        at += (size_t)n;
    }
    if (fd >= 0) {
        close(fd);
    }
    text[at] = '\0';
}

/* What stands behind "name" and blanks and a colon at the start of a line. */
static const char *find_line(const char *text, const char *name) {
    size_t size = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0) {
            const char *at = line + size + strspn(line + size, " \t");
            if (*at == ':') {
                return at + 1 + strspn(at + 1, " \t");
            }
        }
    }
    return NULL;
}

static int64_t kilobytes(const char *text, const char *name) {
    const char *at = find_line(text, name);
    long long value = at ? strtoll(at, NULL, 10) : -1;
    return value < 0 || value > INT64_MAX / 1024 ? -1 : (int64_t)value * 1024;
}

static void read_cpu_model(char *out, size_t size) {
    static const char *const names[] = {"model name", "Model", "cpu model"};
    char text[CPUINFO_BYTES];
    read_start("/proc/cpuinfo", text, sizeof text);
    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names && !out[0]; i++) {
        const char *at = find_line(text, names[i]);
        if (at) {
            (void)snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
        }
    }
}

/* The control group that a container sees as its own root. "max" is none. */
static int64_t memory_limit(void) {
    static const char *const paths[] = {
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    char text[64];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        read_start(paths[i], text, sizeof text);
        long long value = strtoll(text, NULL, 10);
        if (value > 0 && value < (long long)1 << 60) { /* v1's "no limit" */
            return value;
        }
    }
    return -1;
}

void midge_os_info_read(midge_os_info *out) {
    char text[4096];
    struct utsname name;
    memset(out, 0, sizeof *out);
    if (uname(&name) == 0) {
        (void)snprintf(out->system, sizeof out->system, "%.64s %.64s %.32s",
                       name.sysname, name.release, name.machine);
    }
    read_cpu_model(out->cpu_model, sizeof out->cpu_model);
    read_start("/proc/meminfo", text, sizeof text);
    out->memory_total_bytes = kilobytes(text, "MemTotal");
    out->memory_available_bytes = kilobytes(text, "MemAvailable");
    out->memory_limit_bytes = memory_limit();
    out->cores_online = sysconf(_SC_NPROCESSORS_ONLN);
}

static int is_program(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
           access(path, X_OK) == 0;
}

int midge_os_find_program(const char *name, char *path, size_t size) {
    const char *at = getenv("PATH");
    path[0] = '\0';
    while (at) {
        size_t n = strcspn(at, ":");
        int used = snprintf(path, size, "%.*s%s%s", (int)n, at,
                            n > 0 ? "/" : "./", name);
        if (used > 0 && (size_t)used < size && is_program(path)) {
            return 1;
        }
        at = at[n] == ':' ? at + n + 1 : NULL;
    }
    path[0] = '\0';
    return 0;
}
