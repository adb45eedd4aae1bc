/* cli_bar.c: "adding  [#####.......]  42 %  1.2 M of 3 M rows, 81 k/s, 22 s".
 */
#include "cli_bar.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "midge/os.h"

#define REDRAW_MS 100.0
#define WIDTH     24

void cli_bar_begin(cli_bar *bar, const char *what, const char *unit) {
    *bar = (cli_bar){.unit = unit, .start_ms = midge_os_monotonic_ms()};
    bar->what = isatty(2) ? what : NULL;
    bar->drawn_ms = bar->start_ms; /* short work shows nothing */
}

/* 1234567 as "1.2 M". */
static void shorten(double value, char out[16]) {
    static const char *const unit[] = {"", " k", " M", " G"};
    int i = 0;
    while (value >= 1000.0 && i < 3) {
        value /= 1000.0;
        i++;
    }
    (void)snprintf(out, 16, value < 10.0 && i > 0 ? "%.1f%s" : "%.0f%s", value,
                   unit[i]);
}

/* "adding  [#####.......]  42 %  " */
static void draw_bar(cli_bar *bar, double fraction) {
    char line[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++) {
        line[i] = i < (int)(fraction * WIDTH) ? '#' : '.';
    }
    line[WIDTH] = 0;
    fprintf(stderr, "\r\033[K%s  [%s] %3.0f %%  ", bar->what, line,
            fraction * 100.0);
    bar->drawn = 1;
}

static void draw(cli_bar *bar, double done, double total) {
    char of[2][16], rate[16];
    double seconds = (midge_os_monotonic_ms() - bar->start_ms) / 1000.0;
    double per_second = seconds > 0.0 ? done / seconds : 0.0;
    draw_bar(bar, total > 0.0 ? done / total : 0.0);
    shorten(done, of[0]);
    shorten(total, of[1]);
    shorten(per_second, rate);
    fprintf(stderr, "%s of %s %s, %s/s", of[0], of[1], bar->unit, rate);
    if (per_second > 0.0) {
        fprintf(stderr, ", %.0f s left", (total - done) / per_second);
    }
    (void)fflush(stderr);
}

void cli_bar_note(cli_bar *bar, double fraction, const char *note) {
    double now = midge_os_monotonic_ms();
    if (!bar->what || now - bar->drawn_ms < REDRAW_MS) {
        return;
    }
    bar->drawn_ms = now;
    draw_bar(bar, fraction);
    fputs(note, stderr);
    if (fraction > 0.0) {
        double seconds = (now - bar->start_ms) / 1000.0;
        fprintf(stderr, ", at most %.0f s left",
                seconds * (1.0 - fraction) / fraction);
    }
    (void)fflush(stderr);
}

int cli_bar_show(void *ctx, size_t done, size_t total) {
    cli_bar *bar = ctx;
    double now = midge_os_monotonic_ms();
    if (bar->what && now - bar->drawn_ms >= REDRAW_MS) {
        bar->drawn_ms = now;
        draw(bar, (double)done, (double)total);
    }
    return 0;
}

void cli_bar_end(cli_bar *bar) {
    if (bar->drawn) {
        fputs("\r\033[K", stderr);
    }
    bar->drawn = 0;
}
