/* index_child.c: keeps changing an index file and says what is durable, until
 * it is killed.
 *
 *     index_child FILE SEED
 *
 * It opens the file (or makes it), goes on from the step that the index holds
 * (index_plan.h), and then and after every commit writes "done N\n": steps
 * below N are durable. Nothing it does before that line counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index_plan.h"
#include "midge/index_file.h"
#include "midge/os.h"

static void die(const char *what, const midge_error *err) {
    fprintf(stderr, "index_child: %s: %s\n", what, err->text);
    exit(1);
}

/* One write: a line in the pipe is whole or not there. */
static void say(uint32_t step) {
    char line[32];
    int n = snprintf(line, sizeof line, "done %u\n", step);
    if (write(STDOUT_FILENO, line, (size_t)n) != n) {
        exit(2);
    }
}

static midge_index_file *open_or_create(const midge_env *env,
                                        const char *path) {
    midge_index_file *file = NULL;
    midge_error err = {.text = ""};
    midge_status status = midge_index_file_open(env, path, NULL, &file, &err);
    if (status == MIDGE_E_NOT_FOUND) {
        midge_index_options o = index_plan_options();
        status = midge_index_file_create(env, path, &o, NULL, &file, &err);
    }
    if (status != MIDGE_OK) {
        die("open", &err);
    }
    return file;
}

int main(int argc, char **argv) {
    midge_env env = midge_os_env();
    midge_error err = {.text = ""};
    if (argc != 3) {
        return 2;
    }
    uint64_t seed = strtoull(argv[2], NULL, 10);
    midge_index_file *file = open_or_create(&env, argv[1]);
    midge_index *index = midge_index_file_index(file);
    uint32_t step = index_plan_step(index);
    say(step); /* what an earlier life made durable, and could not say */
    while (step < INDEX_PLAN_STEPS) {
        /* Some commits hold several steps, and some are whole files. */
        uint32_t until = step + 1 + (uint32_t)(maker_mix(seed + step) % 3);
        until = until < INDEX_PLAN_STEPS ? until : INDEX_PLAN_STEPS;
        for (; step < until; step++) {
            if (index_plan_do(&env, index, step, &err) != MIDGE_OK) {
                die("change", &err);
            }
        }
        midge_status status = maker_mix(seed * 3 + step) % 12 == 0
                                  ? midge_index_file_compact(file, &err)
                                  : midge_index_file_commit(file, &err);
        if (status != MIDGE_OK) {
            die("commit", &err);
        }
        say(step);
    }
    midge_index_file_close(file);
    return 0;
}
