/* cli_bar.h: one line on a terminal that tells how long work will take. */
#ifndef CLI_BAR_H
#define CLI_BAR_H

#include <stddef.h>

typedef struct cli_bar {
    const char *what; /* "adding", NULL: nothing is shown */
    const char *unit; /* "rows"; NULL: bytes, shown as MB */
    double start_ms;
    double drawn_ms;
    int drawn;
} cli_bar;

/* Shows something only when stderr is a terminal. */
void cli_bar_begin(cli_bar *bar, const char *what, const char *unit);
/* A midge_progress_fn; ctx is the bar. Never cancels. */
int cli_bar_show(void *ctx, size_t done, size_t total);
/* The same of work whose steps are told in a note; `fraction` is at least what
 * is done. */
void cli_bar_note(cli_bar *bar, double fraction, const char *note);
/* Takes the line away. */
void cli_bar_end(cli_bar *bar);

#endif
