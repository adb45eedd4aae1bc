/* cli_bar.c: "adding  [#####.......]  42 %  1.2 M of 3 M rows, 81 k/s, 22 s".
 */
#include "cli_bar.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "midge/os.h"

#define REDRAW_MS 100.0
#define WIDTH_MAX 24

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

static int columns(void) {
    struct winsize size;
    return ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                               : 80;
}

/* "adding  [#####.......]  42 %  " and the text, as far as the line goes: one
 * that wraps could not be taken away. */
static void draw(cli_bar *bar, double fraction, const char *text) {
    char hashes[WIDTH_MAX + 1], line[512];
    const int room = columns() - 1;
    const int width = room < 120 ? WIDTH_MAX / 4 : WIDTH_MAX;
    for (int i = 0; i < width; i++) {
        hashes[i] = i < (int)(fraction * width) ? '#' : '.';
    }
    hashes[width] = 0;
    (void)snprintf(line, sizeof line, "%s  [%s] %3.0f %%  %s", bar->what,
                   hashes, fraction * 100.0, text);
    fprintf(stderr, "\r\033[K%.*s", room, line);
    (void)fflush(stderr);
    bar->drawn = 1;
}

static int is_time(cli_bar *bar, double now) {
    if (!bar->what || now - bar->drawn_ms < REDRAW_MS) {
        return 0;
    }
    bar->drawn_ms = now;
    return 1;
}

static void draw_count(cli_bar *bar, double now, double done, double total) {
    char of[2][16], rate[16], text[128], left[32] = "";
    double seconds = (now - bar->start_ms) / 1000.0;
    double per_second = seconds > 0.0 ? done / seconds : 0.0;
    shorten(done, of[0]);
    shorten(total, of[1]);
    shorten(per_second, rate);
    if (per_second > 0.0) {
        (void)snprintf(left, sizeof left, ", %.0f s left",
                       (total - done) / per_second);
    }
    (void)snprintf(text, sizeof text, "%s of %s %s, %s/s%s", of[0], of[1],
                   bar->unit, rate, left);
    draw(bar, total > 0.0 ? done / total : 0.0, text);
}

void cli_bar_note(cli_bar *bar, double fraction, const char *note) {
    double now = midge_os_monotonic_ms();
    char text[320], left[48] = "";
    if (!is_time(bar, now)) {
        return;
    }
    if (fraction > 0.0) {
        (void)snprintf(left, sizeof left, "at most %.0f s, ",
                       (now - bar->start_ms) / 1000.0 * (1.0 - fraction) /
                           fraction);
    }
    (void)snprintf(text, sizeof text, "%s%s", left, note);
    draw(bar, fraction, text);
}

int cli_bar_show(void *ctx, size_t done, size_t total) {
    cli_bar *bar = ctx;
    double now = midge_os_monotonic_ms();
    if (is_time(bar, now)) {
        draw_count(bar, now, (double)done, (double)total);
    }
    return 0;
}

void cli_bar_end(cli_bar *bar) {
    if (bar->drawn) {
        fputs("\r\033[K", stderr);
    }
    bar->drawn = 0;
}
