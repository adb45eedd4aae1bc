/* cli_doctor_print.c: what `midge doctor` found, as a table for a person. */
#include <stdio.h>
#include <string.h>

#include "cli_doctor.h"

#define WIDTH 78
#define LABEL 14

static const char *text_of(const midge_json *object, const char *key) {
    return midge_json_get_string(object, key, "unknown");
}

static void print_line(const char *label, const char *text) {
    printf("%-*s%s\n", LABEL, label, text);
}

/* Words in lines of WIDTH, the first behind a label. */
typedef struct wrapped {
    int at;
} wrapped;

static wrapped begin_words(const char *label) {
    printf("%-*s", LABEL, label);
    return (wrapped){LABEL};
}

static void print_word(wrapped *w, const char *text, const char *behind) {
    int size = (int)(strlen(text) + strlen(behind));
    if (w->at > LABEL && w->at + 1 + size > WIDTH) {
        printf("\n%*s", LABEL, "");
        w->at = LABEL;
    } else if (w->at > LABEL) {
        putchar(' ');
        w->at++;
    }
    printf("%s%s", text, behind);
    w->at += size;
}

static void print_text(const char *label, const char *text) {
    wrapped w = begin_words(label);
    while (*text) {
        char word[96];
        size_t size = strcspn(text, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)size, text);
        print_word(&w, word, "");
        text += size + (text[size] == ' ');
    }
    putchar('\n');
}

static void print_gib(const midge_json *memory, const char *key,
                      const char *text) {
    const midge_json *bytes = midge_json_get(memory, key);
    if (bytes && bytes->type == MIDGE_JSON_INT) {
        printf("%.1f GiB%s", (double)bytes->integer / 1073741824.0, text);
    }
}

static void print_machine(const midge_json *machine) {
    const midge_json *cores = midge_json_get(machine, "cores");
    const midge_json *memory = midge_json_get(machine, "memory");
    const midge_json *bits = midge_json_get(machine, "cpu_bits");
    const char *limit = midge_json_get_string(machine, "cpu_limit", NULL);
    print_line("system", text_of(machine, "system"));
    print_line("CPU", text_of(machine, "cpu"));
    wrapped w = begin_words("");
    for (const midge_json *b = bits ? bits->child : NULL; b; b = b->next) {
        print_word(&w, b->string, "");
    }
    if (!bits || !bits->child) {
        print_word(&w, "scalar only", "");
    }
    printf(limit ? " (MIDGE_CPU=%s)\n" : "\n", limit);
    printf("%-*s%lld, of which this process may use %lld\n", LABEL, "cores",
           (long long)midge_json_get_int(cores, "online", -1),
           (long long)midge_json_get_int(cores, "allowed", -1));
    printf("%-*s", LABEL, "memory");
    print_gib(memory, "available_bytes", " available of ");
    print_gib(memory, "total_bytes", "");
    print_gib(memory, "limit_bytes", " is the limit of this container");
    putchar('\n');
}

static void print_selftest(const midge_json *kernels) {
    const midge_json *tests = midge_json_get(kernels, "selftest");
    wrapped w = begin_words("self-test");
    for (const midge_json *t = tests ? tests->child : NULL; t; t = t->next) {
        int equal = midge_json_get_bool(t, "equal", 0);
        print_word(&w, text_of(t, "variant"),
                   equal ? " equal," : " WRONG BITS,");
    }
    print_word(&w, "expected", "");
    print_word(&w, text_of(kernels, "expected"), "\n");
}

/* The operations of each variant together: mostly there is one. */
static void print_operations(const midge_json *operations) {
    const midge_json *first = operations ? operations->child : NULL;
    for (const midge_json *o = first; o; o = o->next) {
        int seen = 0;
        for (const midge_json *p = first; p != o; p = p->next) {
            seen = seen || strcmp(p->string, o->string) == 0;
        }
        if (seen) {
            continue;
        }
        wrapped w = begin_words("kernels");
        print_word(&w, o->string, ":");
        for (const midge_json *p = o; p; p = p->next) {
            if (strcmp(p->string, o->string) == 0) {
                print_word(&w, p->key, "");
            }
        }
        putchar('\n');
    }
}

static void print_wasm(const midge_json *found) {
    const midge_json *modules = midge_json_get(found, "wasm");
    const char *label = "wasm";
    if (!modules || modules->type != MIDGE_JSON_ARRAY) {
        const midge_json *reasons = midge_json_get(found, "reasons");
        print_text(label, text_of(reasons, "wasm"));
        return;
    }
    for (const midge_json *m = modules->child; m; m = m->next) {
        printf("%-*s%9lld bytes  %s\n", LABEL, label,
               (long long)midge_json_get_int(m, "bytes", -1),
               text_of(m, "file"));
        label = "";
    }
}

static void print_tools(const midge_json *tools) {
    const char *label = "tools";
    for (const midge_json *t = tools ? tools->child : NULL; t; t = t->next) {
        const char *path = midge_json_get_string(t, "path", NULL);
        printf("%-*s%-11s %s", LABEL, label, text_of(t, "name"),
               path ? path : "not in PATH: for ");
        if (!path) {
            printf("%s; %s", text_of(t, "purpose"), text_of(t, "get"));
        }
        putchar('\n');
        label = "";
    }
    printf("%-*s(only for building and testing; midge itself needs none)\n",
           LABEL, "");
}

void cli_doctor_print(const midge_json *found) {
    const midge_json *kernels = midge_json_get(found, "kernels");
    const midge_json *sqlite =
        midge_json_get(midge_json_get(found, "libraries"), "sqlite");
    const midge_json *problems = midge_json_get(found, "problems");
    printf("%-*s%s, built by %s%s\n", LABEL, "midge", text_of(found, "version"),
           text_of(found, "compiler"),
           midge_json_get_bool(found, "asserts", 0) ? ", with asserts" : "");
    print_machine(midge_json_get(found, "machine"));
    print_selftest(kernels);
    print_operations(midge_json_get(kernels, "operations"));
    printf("%-*s%s (compiled with %s)\n", LABEL, "SQLite",
           text_of(sqlite, "running"), text_of(sqlite, "compiled_with"));
    print_wasm(found);
    print_tools(midge_json_get(found, "tools"));
    putchar('\n');
    for (const midge_json *p = problems ? problems->child : NULL; p;
         p = p->next) {
        printf("problem: %s\n", p->string);
    }
    puts(midge_json_get_bool(found, "sound", 0)
             ? "All that midge needs is sound."
             : "midge cannot be trusted here.");
}
