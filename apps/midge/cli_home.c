/* cli_home.c: the folder of a swarm.
 *
 *     DIR/lock                 held by the one process that works
 *     DIR/swarm.db             events and projections
 *     DIR/blobs/               data, models, predictions, by SHA-256
 *     DIR/runs/<id>/           report.md, report.json, model.midge
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

int cli_path(char path[CLI_PATH_MAX], const char *format, ...) {
    va_list list;
    va_start(list, format);
    int size = vsnprintf(path, CLI_PATH_MAX, format, list);
    va_end(list);
    return size >= 0 && size < CLI_PATH_MAX;
}

static int fill(cli_home *home) {
    const char *dir = home->dir;
    return strlen(dir) + 64 < CLI_PATH_MAX &&
           cli_path(home->lock, "%s/lock", dir) &&
           cli_path(home->store, "%s/swarm.db", dir) &&
           cli_path(home->blobs, "%s/blobs", dir);
}

int cli_home_exists(const cli_home *home) {
    return access(home->store, F_OK) == 0;
}

/* The nearest .midge with a swarm, from here upward. */
static int find_upward(cli_home *home) {
    char here[CLI_PATH_MAX];
    if (!getcwd(here, sizeof here)) {
        return 0;
    }
    for (;;) {
        if (cli_path(home->dir, "%s/.midge", strcmp(here, "/") ? here : "") &&
            fill(home) && cli_home_exists(home)) {
            return 1;
        }
        char *slash = strrchr(here, '/');
        if (!slash || strcmp(here, "/") == 0) {
            return 0;
        }
        slash[slash == here] = 0;
    }
}

int cli_find_home(const cli *c, cli_home *home) {
    const char *given = midge_json_get_string(c->args, "db", NULL);
    if (!given && find_upward(home)) {
        return CLI_DONE;
    }
    if (given && given[0] == 0) {
        return cli_complain(CLI_USAGE, "--db must name a folder");
    }
    if (!cli_path(home->dir, "%s", given ? given : ".midge") || !fill(home)) {
        return cli_complain(CLI_USAGE, "the path of the swarm is too long");
    }
    return CLI_DONE;
}

void cli_run_path(const cli_home *home, int64_t run, const char *file,
                  char path[CLI_PATH_MAX]) {
    (void)cli_path(path, "%s/runs/%lld%s%s", home->dir, (long long)run,
                   file[0] ? "/" : "", file);
}
