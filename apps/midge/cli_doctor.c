/* cli_doctor.c: `midge doctor`: what this program is, what the machine can do,
 * and whether they compute the right bits together.
 *
 * First everything is written as JSON (spec/ops/doctor.json has the shape), and
 * the table for a person is made from that: the two cannot differ. What could
 * not be found out is null, and `reasons` says why under its path.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_doctor.h"
#include "midge/os.h"
#include "midge/selftest.h"
#include "midge/version.h"
#include "sqlite/sqlite_store.h"

#define STRINGS_MAX 64

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER NULL
#endif

/* Lines that stand at the end of the answer. */
typedef struct lines {
    size_t count;
    const char *path[STRINGS_MAX]; /* unused for problems */
    const char *text[STRINGS_MAX];
} lines;

typedef struct doctor {
    cli *c;
    midge_json_writer w;
    lines reasons;
    lines problems;
} doctor;

static void add(lines *l, const char *path, const char *text) {
    if (l->count < STRINGS_MAX) {
        l->path[l->count] = path;
        l->text[l->count++] = text;
    }
}

static void put_text(doctor *d, const char *key, const char *text) {
    midge_json_key(&d->w, key);
    midge_json_string(&d->w, text);
}

static void put_bool(doctor *d, const char *key, int value) {
    midge_json_key(&d->w, key);
    midge_json_bool(&d->w, value);
}

static void put_null(doctor *d, const char *key, const char *path,
                     const char *why) {
    midge_json_key(&d->w, key);
    midge_json_null(&d->w);
    add(&d->reasons, path, why);
}

/* A number that is -1, or a text that is empty, is unknown. */
static void put_known_int(doctor *d, const char *key, int64_t value,
                          const char *path, const char *why) {
    if (value < 0) {
        put_null(d, key, path, why);
    } else {
        midge_json_key(&d->w, key);
        midge_json_int(&d->w, value);
    }
}

static void put_known_text(doctor *d, const char *key, const char *text,
                           const char *path, const char *why) {
    if (!text || !text[0]) {
        put_null(d, key, path, why);
    } else {
        put_text(d, key, text);
    }
}

/* ---- The program and the machine ----------------------------------------- */

static void put_build(doctor *d) {
    put_text(d, "version", MIDGE_VERSION);
    put_known_text(d, "compiler", COMPILER, "compiler",
                   "the compiler does not name itself");
#if defined(MDG_ASSERTS)
    put_bool(d, "asserts", 1);
#else
    put_bool(d, "asserts", 0);
#endif
}

static void put_cpu_bits(doctor *d) {
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{MIDGE_CPU_V2, "v2"},
                 {MIDGE_CPU_AVX2, "avx2"},
                 {MIDGE_CPU_AVX512, "avx512"},
                 {MIDGE_CPU_AVX512ICL, "avx512icl"},
                 {MIDGE_CPU_NEON, "neon"}};
    const char *limit = getenv("MIDGE_CPU");
    midge_json_key(&d->w, "cpu_bits");
    midge_json_begin_array(&d->w);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((d->c->env.cpu & names[i].bit) != 0) {
            midge_json_string(&d->w, names[i].name);
        }
    }
    midge_json_end_array(&d->w);
    put_known_text(d, "cpu_limit", limit, "machine.cpu_limit",
                   "MIDGE_CPU is not set");
}

static void put_memory(doctor *d, const midge_os_info *info) {
    static const char why[] = "/proc/meminfo does not say";
    midge_json_key(&d->w, "memory");
    midge_json_begin_object(&d->w);
    put_known_int(d, "total_bytes", info->memory_total_bytes,
                  "machine.memory.total_bytes", why);
    put_known_int(d, "available_bytes", info->memory_available_bytes,
                  "machine.memory.available_bytes", why);
    put_known_int(d, "limit_bytes", info->memory_limit_bytes,
                  "machine.memory.limit_bytes",
                  "no control group limits this process");
    midge_json_end_object(&d->w);
}

static void put_machine(doctor *d) {
    midge_os_info info;
    midge_os_info_read(&info);
    midge_json_key(&d->w, "machine");
    midge_json_begin_object(&d->w);
    put_known_text(d, "system", info.system, "machine.system",
                   "the system does not name itself");
    put_known_text(d, "cpu", info.cpu_model, "machine.cpu",
                   "/proc/cpuinfo does not name a model");
    put_cpu_bits(d);
    midge_json_key(&d->w, "cores");
    midge_json_begin_object(&d->w);
    put_known_int(d, "online", info.cores_online, "machine.cores.online",
                  "the system does not say");
    midge_json_key(&d->w, "allowed");
    midge_json_int(&d->w, midge_os_cores());
    midge_json_end_object(&d->w);
    put_memory(d, &info);
    midge_json_end_object(&d->w);
}

/* ---- The kernels --------------------------------------------------------- */

/* One run of the self-test with the kernels that `cpu` allows. 1: equal bits.
 */
static int put_level(doctor *d, uint32_t cpu, void *scratch) {
    midge_env env = d->c->env;
    const char *isa = NULL;
    env.cpu = cpu;
    double start = midge_os_monotonic_ms();
    uint32_t result = midge_selftest(&env, scratch, &isa);
    double took = midge_os_monotonic_ms() - start;
    char hex[16];
    (void)snprintf(hex, sizeof hex, "0x%08x", (unsigned)result);
    midge_json_begin_object(&d->w);
    put_text(d, "variant", isa);
    put_text(d, "result", hex);
    put_bool(d, "equal", result == MIDGE_SELFTEST_RESULT);
    midge_json_key(&d->w, "took_ms");
    midge_json_double(&d->w, took);
    midge_json_end_object(&d->w);
    return result == MIDGE_SELFTEST_RESULT;
}

/* From the definition up to all that this machine has. */
static void put_selftest(doctor *d) {
    char hex[16];
    void *scratch = midge_arena_alloc(&d->c->arena, MIDGE_SELFTEST_BYTES);
    (void)snprintf(hex, sizeof hex, "0x%08x", (unsigned)MIDGE_SELFTEST_RESULT);
    put_text(d, "expected", hex);
    if (!scratch) {
        put_null(d, "selftest", "kernels.selftest", "out of memory");
        add(&d->problems, NULL, "there is no memory for the self-test");
        return;
    }
    midge_json_key(&d->w, "selftest");
    midge_json_begin_array(&d->w);
    int equal = put_level(d, 0, scratch);
    for (uint32_t bit = 1, cpu = 0; bit != 0; bit <<= 1) {
        if ((d->c->env.cpu & bit) != 0) {
            cpu |= bit;
            equal = put_level(d, cpu, scratch) && equal;
        }
    }
    midge_json_end_array(&d->w);
    if (!equal) {
        add(&d->problems, NULL,
            "the self-test of the kernels gives other bits than it must");
    }
}

static void put_kernels(doctor *d) {
    midge_json_key(&d->w, "kernels");
    midge_json_begin_object(&d->w);
    put_selftest(d);
    midge_json_key(&d->w, "operations");
    midge_json_begin_object(&d->w);
    for (size_t i = 0; i < midge_kernels_count(); i++) {
        put_text(d, midge_kernel_name(i), midge_kernel_variant(&d->c->env, i));
    }
    midge_json_end_object(&d->w);
    midge_json_end_object(&d->w);
}

static void put_libraries(doctor *d) {
    midge_sqlite_info sqlite = midge_sqlite_info_read();
    midge_json_key(&d->w, "libraries");
    midge_json_begin_object(&d->w);
    midge_json_key(&d->w, "sqlite");
    midge_json_begin_object(&d->w);
    put_text(d, "running", sqlite.library);
    put_text(d, "compiled_with", sqlite.headers);
    put_bool(d, "fit", sqlite.fit);
    midge_json_end_object(&d->w);
    midge_json_end_object(&d->w);
    if (!sqlite.fit) {
        add(&d->problems, NULL,
            "the SQLite that runs is older than the one midge was compiled "
            "with, or is not for threads");
    }
}

/* ---- WebAssembly --------------------------------------------------------- */

/* "midge-core-simd.wasm", but not those with names for debugging. */
static int is_module(const char *name) {
    size_t size = strlen(name);
    return strncmp(name, "midge-", 6) == 0 && size > 11 &&
           strcmp(name + size - 5, ".wasm") == 0 &&
           !strstr(name, "-debug.wasm");
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the modules in `dir`, sorted, in the arena; how many. */
static size_t list_modules(doctor *d, const char *dir,
                           const char *names[STRINGS_MAX]) {
    size_t count = 0;
    DIR *folder = opendir(dir);
    for (struct dirent *e; folder && (e = readdir(folder)) != NULL;) {
        if (is_module(e->d_name) && count < STRINGS_MAX) {
            const char *name =
                midge_arena_copy(&d->c->arena, e->d_name, strlen(e->d_name));
            names[count] = name;
            count += name != NULL;
        }
    }
    if (folder) {
        closedir(folder);
    }
    qsort(names, count, sizeof *names, by_name);
    return count;
}

static void put_module(doctor *d, const char *dir, const char *name) {
    char path[CLI_PATH_MAX];
    struct stat info;
    if (!cli_path(path, "%s/%s", dir, name) || stat(path, &info) != 0) {
        return; /* gone since the folder was read */
    }
    midge_json_begin_object(&d->w);
    put_text(d, "file", path);
    midge_json_key(&d->w, "bytes");
    midge_json_int(&d->w, info.st_size);
    midge_json_end_object(&d->w);
}

/* Beside the program, where a build has them, and where npm puts them. */
static void put_wasm(doctor *d) {
    static const char *const places[] = {
        "%s", "%s/../../bindings/js", "%s/../lib/node_modules/midge/dist/wasm"};
    const char *names[STRINGS_MAX];
    char program[CLI_PATH_MAX];
    char dir[CLI_PATH_MAX];
    char real[CLI_PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    program[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(program, '/');
    size_t count = 0;
    if (slash) {
        *slash = '\0';
    }
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        if (count == 0 && cli_path(dir, places[i], program) &&
            realpath(dir, real)) {
            count = list_modules(d, real, names);
        }
    }
    if (count == 0) {
        put_null(d, "wasm", "wasm",
                 "no WebAssembly modules beside this program: a build with "
                 "-Dwasm=enabled makes them (tools/setup wasm)");
        return;
    }
    midge_json_key(&d->w, "wasm");
    midge_json_begin_array(&d->w);
    for (size_t i = 0; i < count; i++) {
        put_module(d, real, names[i]);
    }
    midge_json_end_array(&d->w);
}

/* ---- Tools --------------------------------------------------------------- */

/* midge itself calls none of them. */
static void put_tools(doctor *d) {
    static const struct {
        const char *name, *purpose, *get;
    } tools[] = {
        {"gcc", "building", "tools/setup build"},
        {"meson", "building", "tools/setup build"},
        {"ninja", "building", "tools/setup build"},
        {"python3", "building", "tools/setup build"},
        {"clang-19", "building the wasm modules; tests", "tools/setup wasm"},
        {"wasm-ld-19", "building the wasm modules", "tools/setup wasm"},
        {"node", "the npm package; the digits of the demo", "tools/setup data"},
        {"npm", "building the npm package; the digits", "tools/setup data"},
        {"chromium", "tests in a browser", "tools/setup browser"},
    };
    char path[CLI_PATH_MAX];
    midge_json_key(&d->w, "tools");
    midge_json_begin_array(&d->w);
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        midge_json_begin_object(&d->w);
        put_text(d, "name", tools[i].name);
        put_text(d, "purpose", tools[i].purpose);
        midge_json_key(&d->w, "path");
        if (midge_os_find_program(tools[i].name, path, sizeof path)) {
            midge_json_string(&d->w, path);
        } else {
            midge_json_null(&d->w);
            put_text(d, "reason", "not in PATH");
        }
        put_text(d, "get", tools[i].get);
        midge_json_end_object(&d->w);
    }
    midge_json_end_array(&d->w);
}

/* ---- All of it ----------------------------------------------------------- */

static void put_end(doctor *d) {
    midge_json_key(&d->w, "reasons");
    midge_json_begin_object(&d->w);
    for (size_t i = 0; i < d->reasons.count; i++) {
        put_text(d, d->reasons.path[i], d->reasons.text[i]);
    }
    midge_json_end_object(&d->w);
    midge_json_key(&d->w, "problems");
    midge_json_begin_array(&d->w);
    for (size_t i = 0; i < d->problems.count; i++) {
        midge_json_string(&d->w, d->problems.text[i]);
    }
    midge_json_end_array(&d->w);
    put_bool(d, "sound", d->problems.count == 0);
}

static midge_status examine(doctor *d, midge_buf *out) {
    midge_json_writer_init(&d->w, out, 0);
    midge_json_begin_object(&d->w);
    put_build(d);
    put_machine(d);
    put_kernels(d);
    put_libraries(d);
    put_wasm(d);
    put_tools(d);
    put_end(d);
    midge_json_end_object(&d->w);
    return midge_json_writer_end(&d->w);
}

int cli_doctor(cli *c) {
    doctor d = {.c = c};
    midge_buf text;
    midge_error err = {.text = ""};
    const midge_json *found = NULL;
    midge_buf_init(&text, &c->env, 0);
    midge_status status = examine(&d, &text);
    if (status == MIDGE_OK) {
        status = midge_json_read(&c->arena, text.data, text.size, &found, &err);
    }
    if (status != MIDGE_OK) {
        midge_buf_deinit(&text);
        return cli_complain(CLI_FAILED, "%s", midge_status_text(status));
    }
    if (midge_json_get_bool(c->args, "json", 0)) {
        cli_print_line(&text);
    } else {
        cli_doctor_print(found);
    }
    midge_buf_deinit(&text);
    return midge_json_get_bool(found, "sound", 0) ? CLI_DONE : CLI_FAILED;
}
