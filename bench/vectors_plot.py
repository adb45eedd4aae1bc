"""vectors_plot.py: curves as SVG, readable on light and on dark paper: the
colours of text and lines follow prefers-color-scheme."""
import html
import math

WIDTH, HEIGHT = 760, 470
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 62, 54
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.quiet { fill: #57606a; font-size: 12px; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.ours { stroke-width: 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .quiet { fill: #9198a1; } .grid { stroke: #3d444d; }
}
"""
# Of a middle lightness, so that they stand out on both papers.
OURS = ["#2f7fd6", "#12a3a8", "#8a63d2", "#5b8f1f", "#c2559d", "#7a7f87"]
THEIRS = ["#d9730d", "#c23b3b", "#b08800", "#a0522d", "#8c8c00", "#9a6a9a",
          "#6b8299", "#5f8a6a", "#a37b5c"]


def decades(least, most):
    """1, 2 and 5 of each power of ten between, and one beyond each end."""
    steps = [step * 10.0 ** power for power in range(-3, 9)
             for step in (1, 2, 5)]
    low = max(x for x in steps if x <= least)
    high = min(x for x in steps if x >= most)
    return [x for x in steps if low <= x <= high]


def short(number):
    if number >= 1e6:
        return f"{number / 1e6:g} M"
    return f"{number / 1e3:g} k" if number >= 1e3 else f"{number:g}"


class Axis:
    """From a value to its place between two pixels."""

    def __init__(self, ticks, bend, begin, end):
        self.ticks, self.bend = ticks, bend
        self.first, self.last = bend(ticks[0]), bend(ticks[-1])
        self.begin, self.end = begin, end

    def at(self, value):
        share = (self.bend(value) - self.first) / (self.last - self.first)
        return round(self.begin + share * (self.end - self.begin), 1)

    def has(self, value):
        return self.ticks[0] <= value <= self.ticks[-1]


def recall_bend(recall):
    """Each halving of what is missed is as wide as the next."""
    return -math.log10(max(1 - recall, 1e-4))


def text(x, y, words, more=""):
    return f'<text x="{x}" y="{y}"{more}>{html.escape(words)}</text>'


def grid(x, y, name_x, name_y, tick_x):
    lines = []
    for tick in x.ticks:
        at = x.at(tick)
        lines += [f'<path class="grid" d="M{at} {TOP}V{HEIGHT - BOTTOM}"/>',
                  text(at, HEIGHT - BOTTOM + 18, tick_x(tick),
                       ' text-anchor="middle" class="quiet"')]
    for tick in y.ticks:
        at = y.at(tick)
        lines += [f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>',
                  text(LEFT - 8, at + 4, short(tick),
                       ' text-anchor="end" class="quiet"')]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return lines + [
        text(middle, HEIGHT - 12, name_x, ' text-anchor="middle"'),
        text(16, TOP - 16, name_y, ' class="quiet"')]


def curve(x, y, points, colour, ours):
    shown = sorted(point for point in points if x.has(point[0]))
    if not shown:
        return []
    path = " L".join(f"{x.at(a)} {y.at(b)}" for a, b in shown)
    kind = "curve ours" if ours else "curve"
    dots = [f'<circle cx="{x.at(a)}" cy="{y.at(b)}" r="3" fill="{colour}"/>'
            for a, b in shown]
    return [f'<path class="{kind}" stroke="{colour}" d="M{path}"/>', *dots]


def legend(series, colours):
    lines, left = [], WIDTH - RIGHT + 18
    for i, (name, _, ours) in enumerate(series):
        y = TOP + 10 + 20 * i
        kind = "curve ours" if ours else "curve"
        lines += [f'<path class="{kind}" stroke="{colours[i]}" '
                  f'd="M{left} {y - 4}h20"/>', text(left + 26, y, name)]
    return lines


def plot(title, name_x, name_y, series, ticks_x, bend_x, tick_x=str):
    """SERIES: (name, [(x, y)], ours). The y axis is logarithmic. The fastest
    comes first."""
    shown = [b for _, points, _ in series for a, b in points
             if ticks_x[0] <= a <= ticks_x[-1]]
    x = Axis(ticks_x, bend_x, LEFT, WIDTH - RIGHT)
    y = Axis(decades(min(shown), max(shown)), math.log10, HEIGHT - BOTTOM, TOP)
    ours, theirs = iter(OURS * 9), iter(THEIRS * 9)
    colours = [next(ours if own else theirs) for _, _, own in series]
    body = [text(16, 22, title, ' class="title"'),
            *grid(x, y, name_x, name_y, tick_x)]
    for (_, points, own), colour in zip(series, colours):
        body += curve(x, y, points, colour, own)
    body += legend(series, colours)
    height = max(HEIGHT, TOP + 20 * len(series) + 20)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{html.escape(title)}</title>", f"<style>{STYLE}</style>",
        *body, "</svg>", ""])


def recall_plot(title, series):
    return plot(title, "recall@10", "queries/s, one thread", series,
                [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999], recall_bend)


def growth_plot(series):
    return plot("Cost of a query at recall 0.95", "vectors",
                "microseconds a query, one thread", series,
                [100000, 200000, 300000, 500000, 1000000], math.log10, short)
