"""Plots as SVG text, drawn with the page's colours (report.css): bars, lines, all with their numbers."""
import html
import math

COLORS = {"relay": "var(--relay)", "floor": "var(--floor)", "peer": "var(--peer)"}
SERIES = ["var(--relay)", "var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)",
          "var(--series-5)", "var(--series-6)"]


def escape(text):
    return html.escape(str(text))


def open_svg(width, height, label):
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}" '
            'xmlns="http://www.w3.org/2000/svg">')


def nice_ticks(top, count=5):
    """Round numbers from 0 to `top` or a little beyond it."""
    if top <= 0:
        return [0, 1]
    raw = top / count
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw)
    return [step * index for index in range(math.ceil(top / step - 1e-9) + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(rows, label, unit="", width=760):
    """Horizontal bars. Rows: (title, kind, value, low, high, remark); `low` and `high` draw the spread."""
    rows = [row for row in rows if row[2] is not None]
    if not rows:
        return '<p class="none">not measured</p>'
    row_height, top, left = 26, 6, 230
    right = 90 + 6 * max(len(row[5]) for row in rows)
    height = top + row_height * len(rows) + 26
    ticks = nice_ticks(max(max(row[2], row[4] or 0) for row in rows))
    scale = (width - left - right) / ticks[-1]
    out = [open_svg(width, height, label)]
    for tick in ticks:
        x = left + tick * scale
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{height - 22}"/>'
                   f'<text class="tick" x="{x:.1f}" y="{height - 6}" text-anchor="middle">{number(tick)}</text>')
    for index, (title, kind, value, low, high, remark) in enumerate(rows):
        y = top + index * row_height
        middle = y + row_height / 2
        out.append(f'<text class="name" x="{left - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(title)}</text>'
                   f'<rect x="{left}" y="{y + 4}" width="{max(value * scale, 1):.1f}" height="{row_height - 8}" rx="3" '
                   f'fill="{COLORS[kind]}"/>')
        if low is not None and high is not None and high > low:
            out.append(f'<line class="spread" x1="{left + low * scale:.1f}" y1="{middle}" '
                       f'x2="{left + high * scale:.1f}" y2="{middle}"/>')
        end = left + max(value, high or 0) * scale + 8
        out.append(f'<text class="value" x="{end:.1f}" y="{middle + 4:.1f}">{number(value)}{escape(unit)}'
                   f'<tspan class="remark"> {escape(remark)}</tspan></text>')
    out.append("</svg>")
    return "".join(out)


def lines(series, label, x_title, y_title, is_x_log=False, x_top=None, y_top=None, width=760, height=340):
    """Series: (title, [(x, y)…]); points are marked where there are few."""
    series = [(title, points) for title, points in series if points]
    if not series:
        return '<p class="none">not measured</p>'
    left, right, top, bottom = 56, 190, 12, 46
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    y_ticks = nice_ticks(y_top or max(ys))
    plot_width, plot_height = width - left - right, height - top - bottom

    if is_x_log:
        low, high = math.log2(min(xs)), math.log2(max(xs))
        x_ticks = sorted(set(xs))

        def place_x(x):
            return left + (math.log2(x) - low) / max(high - low, 1e-9) * plot_width
    else:
        x_ticks = nice_ticks(x_top or max(xs))

        def place_x(x):
            return left + min(x / x_ticks[-1], 1) * plot_width

    def place_y(y):
        return top + (1 - min(y / y_ticks[-1], 1)) * plot_height

    out = [open_svg(width, height, label)]
    for tick in y_ticks:
        out.append(f'<line class="grid" x1="{left}" y1="{place_y(tick):.1f}" x2="{left + plot_width}" y2="{place_y(tick):.1f}"/>'
                   f'<text class="tick" x="{left - 8}" y="{place_y(tick) + 4:.1f}" text-anchor="end">{number(tick)}</text>')
    for tick in x_ticks:
        out.append(f'<text class="tick" x="{place_x(tick):.1f}" y="{height - bottom + 18}" text-anchor="middle">{number(tick)}</text>')
    out.append(f'<text class="axis" x="{left + plot_width / 2}" y="{height - 6}" text-anchor="middle">{escape(x_title)}</text>'
               f'<text class="axis" x="14" y="{top + plot_height / 2}" text-anchor="middle" '
               f'transform="rotate(-90 14 {top + plot_height / 2})">{escape(y_title)}</text>')
    for index, (title, points) in enumerate(series):
        color = SERIES[index % len(SERIES)]
        path = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in points)
        out.append(f'<polyline fill="none" stroke="{color}" stroke-width="{3 if index == 0 else 2}" points="{path}"/>')
        if len(points) <= 12:
            out += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3.5" fill="{color}"/>' for x, y in points]
        y = top + 10 + index * 20
        out.append(f'<line x1="{width - right + 16}" y1="{y}" x2="{width - right + 38}" y2="{y}" stroke="{color}" stroke-width="3"/>'
                   f'<text class="name" x="{width - right + 46}" y="{y + 4}">{escape(title)}</text>')
    out.append("</svg>")
    return "".join(out)
