/* kernels_side.c: a native side of `./run bench kernels`: runs the works of
 * kernels_work.h with one set of functions.
 *
 *     kernels_side scalar|v2|avx2|avx512|avx512icl   the kernels of a variant
 *     kernels_side peer-avx2|peer-avx512             kernels_peer.c
 *     kernels_side openblas                          Debian's OpenBLAS
 *
 * Answers each line of stdin by a line of JSON:
 *
 *     works     the list of what it can run
 *     check I   the outputs of one call on fresh inputs, hashed and summed
 *     warm I    runs it and finds how many calls one measurement takes
 *     time I    one measurement: ns of a call
 *
 * Time is the CPU's, not the wall's: other programs then disturb less.
 */
#define _POSIX_C_SOURCE 200112L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels_peer.h"
#include "kernels_work.h"
#include "midge/env.h"

#define TIME_NS 2e6 /* a measurement repeats its call for this long */
#define WARM_NS 5e6
#define WORKS   256

extern const bench_peaks bench_peaks_scalar;
extern const bench_peaks bench_peaks_v2;
extern const bench_peaks bench_peaks_avx2;
extern const bench_peaks bench_peaks_avx512;

typedef struct side {
    mdg_kernels kernels;
    const bench_peaks *peaks; /* NULL: a peer, which does not measure them */
    double lanes;
    const char *about;
    size_t calls[WORKS];
} side;

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double ns_of(side *s, size_t index, size_t calls) {
    const work *w = work_at(index);
    double start = now_ns();
    w->run(&s->kernels, s->peaks, w, calls);
    return (now_ns() - start) / (double)calls;
}

static int can_run(const side *s, const work *w) {
    if ((w->flags & WORK_PEAK) != 0) {
        return s->peaks != NULL &&
               (s->peaks->fma != NULL || strcmp(w->name, "peak fma") != 0);
    }
    void (*function)(void);
    memcpy(&function, (const char *)&s->kernels + w->op, sizeof function);
    return function != NULL;
}

/* The operations that no work measures. */
static void say_unmeasured(void) {
#define NAME_OF(isa, result, name, parameters)                                 \
    {#name, offsetof(mdg_kernels, name)},
    static const struct {
        const char *name;
        size_t offset;
    } every[] = {MDG_KERNELS_LIST(NAME_OF, , )};
    const char *comma = "";
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        size_t w = 0;
        while (w < work_count() && work_at(w)->op != every[i].offset) {
            w++;
        }
        if (w == work_count()) {
            printf("%s\"%s\"", comma, every[i].name);
            comma = ",";
        }
    }
}

static void say_works(side *s) {
    printf("{\"about\":\"%s\",\"unmeasured\":[", s->about);
    say_unmeasured();
    printf("],\"works\":[");
    for (size_t i = 0; i < work_count(); i++) {
        const work *w = work_at(i);
        printf("%s{\"name\":\"%s\",\"flops\":%.17g,\"bytes\":%.17g,"
               "\"items\":%.17g,\"flags\":%u,\"runs\":%d}",
               i > 0 ? "," : "", w->name,
               w->flops * ((w->flags & WORK_PEAK) != 0 ? s->lanes : 1.0),
               w->bytes, w->items, (unsigned)w->flags, can_run(s, w));
    }
    printf("]}\n");
}

static void say_check(side *s, size_t index) {
    work_result r = work_check(&s->kernels, s->peaks, index);
    printf("{\"hash\":\"%08x\",\"sum\":%.17g,\"scale\":%.17g}\n",
           (unsigned)r.hash, r.sum, r.scale);
}

static void say_warm(side *s, size_t index) {
    size_t calls = 1;
    double ns = 0.0;
    double spent = 0.0;
    work_prepare(index);
    while (spent < WARM_NS) {
        calls = ns > 0.0 && ns * (double)calls < TIME_NS ? 2 * calls : calls;
        ns = ns_of(s, index, calls);
        spent += ns * (double)calls;
    }
    calls = (size_t)(TIME_NS / ns);
    s->calls[index] = calls > 0 ? calls : 1;
    printf("{\"calls\":%zu}\n", s->calls[index]);
}

static void say_time(side *s, size_t index) {
    /* Others have used the caches meanwhile. */
    ns_of(s, index, 1);
    printf("{\"ns\":%.2f}\n", ns_of(s, index, s->calls[index]));
}

static int begin(side *s, const char *name) {
    static const struct {
        const char *name;
        uint32_t cpu;
        const bench_peaks *peaks;
        double lanes;
    } own[] = {
        {"scalar", 0, &bench_peaks_scalar, 1},
#if defined(__x86_64__)
        {"v2", MIDGE_CPU_V2, &bench_peaks_v2, 4},
        {"avx2", MIDGE_CPU_AVX2, &bench_peaks_avx2, 8},
        {"avx512", MIDGE_CPU_AVX512, &bench_peaks_avx512, 16},
        {"avx512icl", MIDGE_CPU_AVX512ICL, &bench_peaks_avx512, 16},
#endif
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(name, own[i].name) == 0) {
            s->kernels = *mdg_kernels_select(own[i].cpu);
            s->peaks = own[i].peaks;
            s->lanes = own[i].lanes;
            s->about = name;
            return 1;
        }
    }
    s->about = name;
    if (strcmp(name, "openblas") == 0) {
        s->about = bench_openblas(&s->kernels);
#if defined(__x86_64__)
    } else if (strcmp(name, "peer-avx2") == 0) {
        bench_peer_avx2(&s->kernels);
    } else if (strcmp(name, "peer-avx512") == 0) {
        bench_peer_avx512(&s->kernels);
#endif
    } else {
        s->about = NULL;
    }
    return s->about != NULL;
}

int main(int argc, char **argv) {
    static side s;
    char word[16];
    char line[80];
    if (argc != 2 || work_count() > WORKS || !begin(&s, argv[1])) {
        fprintf(stderr, "kernels_side: there is no '%s' here\n",
                argc == 2 ? argv[1] : "");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned index = 0;
        int words = sscanf(line, "%15s %u", word, &index);
        if (words < 1 || index >= work_count()) {
            return 2;
        }
        if (strcmp(word, "works") == 0) {
            say_works(&s);
        } else if (strcmp(word, "check") == 0) {
            say_check(&s, index);
        } else if (strcmp(word, "warm") == 0) {
            say_warm(&s, index);
        } else {
            say_time(&s, index);
        }
        fflush(stdout);
    }
    return 0;
}
