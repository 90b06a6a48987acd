"""The report: one HTML file that needs nothing else, and one JSON file with the same figures."""
import dataclasses
import json
import pathlib

from suite.analysis import Analysis, quality_of
from suite.charts import bars, escape, lines
from suite.goals import make_goals
from suite.references import compare
from suite.settings import FLOORS, PEERS, TITLES
from suite.subjects import SUBJECTS

NAMES = ["relay", *FLOORS, *PEERS]


def write_report(folder, machine, records, command, skipped=()):
    """Writes report.json and report.html; returns the goals."""
    analysis = Analysis(records)
    goals = make_goals(records)
    figures = {key: summary(analysis, key) for key in sorted(analysis.by_key)}
    (folder / "report.json").write_text(json.dumps({
        "machine": machine, "command": command, "figures": figures, "not_run": list(skipped),
        "goals": [dataclasses.asdict(goal) for goal in goals],
        "elsewhere": [dataclasses.asdict(one) for one in compare(analysis)],
        "capacity": {f"{scheme}/{name}": analysis.capacity(scheme, name) for scheme in ("ws", "wss")
                     for name in ("relay", "floor", "bun")},
    }, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(make_page(analysis, machine, goals, command, skipped), encoding="utf-8")
    return goals


def summary(analysis, key):
    paths = ["cpu_us", "core_us", "user_us", "system_us", "frames_per_s", "frames_share", "bytes_per_frame", "age_ms.p50",
             "age_ms.p90", "age_ms.p99", "age_ms.p999", "own_age_ms.p50", "own_age_ms.p99", "pong_ms.p99", "states.lost", "skipped",
             "counters.ticks_left_out", "rss", "rss_before", "swarm_share", "waited_share"]
    figures = {path: analysis.figure(key, path) for path in paths}
    return {path: dataclasses.asdict(figure) for path, figure in figures.items() if figure}


def make_page(analysis, machine, goals, command, skipped):
    css = (pathlib.Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>tickwire: the relay benchmark</title><style>{css}</style><main>",
        "<h1>tickwire: the relay benchmark</h1>", headline(analysis), honesty(analysis, skipped),
        "<h2>CPU for each frame sent</h2>", f"<p class=soft>Server CPU time, µs per frame out, {TITLES['a']}, states of random "
        "bytes. Medians; the thin line is the spread of the runs. The floor has no protocol at all: it is what the kernel takes.</p>",
        card("ws", cpu_bars(analysis, "a", "ws") + what_slots_save(analysis)), card("wss", cpu_bars(analysis, "a", "wss")),
        card(f"{TITLES['b']}, ws", cpu_bars(analysis, "b", "ws")), card(f"{TITLES['c']}, ws", cpu_bars(analysis, "c", "ws")),
        "<h3>With movement</h3>", "<p class=soft>The same with states as a game sends them: position and velocity that move at every "
        "tick, bytes that rarely change, one player in eight who stands still. The relay's deltas shrink its frames; Bun sends "
        "what it is given.</p>",
        *(card(f"({setting}) {scheme}", cpu_bars(analysis, setting, scheme, "movement"))
          for setting, scheme in (("a", "ws"), ("a", "wss"), ("b", "ws"), ("c", "ws"))),
        "<h3>Beside measurements elsewhere</h3>", "<p class=soft>CPU per frame over the io_uring floor's, here and on another machine, "
        "for the same jobs written by others: a badly written peer would show. Within 15 % they are the same.</p>",
        elsewhere(analysis),
        "<h2>Age of states</h2>", "<p class=soft>From sending a state to holding it at another member: what share of states was not older.</p>",
        card("(a) over ws", ages(analysis)),
        "<h2>Memory of an idle connection</h2>", card("resident bytes of the server", memory(analysis)),
        "<h2>Growing</h2>", card("CPU per frame as matches of shape (a) are added, ws", growing(analysis, "e", ["relay", "bun", "floor"], "a")),
        card("the same at 5 Hz, ws", growing(analysis, "f", ["relay", "bun", "floor"])),
        card("capacity: members of shape (a) that fill 90 % of a core (extrapolated)", capacity(analysis)),
        "<h2>The goals</h2>", goal_table(goals),
        "<h2>All figures</h2>", figure_table(analysis),
        "<h2>How it was measured</h2>", method(machine, command), "</main></html>\n",
    ]
    return "\n".join(parts)


def card(title, body):
    return f"<section class=card><h3>{escape(title)}</h3>{body}</section>"


def headline(analysis):
    relay, floor, bun = (analysis.figure(f"a/ws/{name}/random") for name in ("relay", "floor", "bun"))
    if not (relay and floor and bun) or "void" in (relay.quality, floor.quality, bun.quality):
        return "<p class=lead>Setting (a) over ws has no run that counts.</p>"
    return (f"<p class=lead>The relay spends <b>{relay.value:.1f} µs</b> of CPU on each frame at setting (a) over ws. "
            f"Bun, whose server is uWebSockets, spends {bun.value:.1f} µs; bare io_uring sockets with no protocol "
            f"{floor.value:.1f} µs.</p>")


def honesty(analysis, skipped):
    """What a reader must know before believing a figure."""
    said = []
    counts = {"disturbed": 0, "void": 0, "failed": 0}
    for key in analysis.by_key:
        counted = analysis.records(key)
        quality = quality_of(counted[0]) if counted else "failed"
        if quality in counts:
            counts[quality] += 1
    if counts["void"]:
        said.append(f"In {counts['void']} of {len(analysis.by_key)} cells every run was void: the swarm was the bottleneck. They are marked.")
    if counts["disturbed"]:
        said.append(f"In {counts['disturbed']} cells other programs held the server's core in every run: their times say little.")
    if counts["failed"]:
        said.append(f"In {counts['failed']} cells no run passed its checks: they count for nothing.")
    beyond = [f"{key} ({times:.2f} times)" for key in sorted(analysis.by_key) if (times := analysis.core_beyond_process(key))]
    if beyond:
        said.append("The server's core was busy for longer than its process, with softirq work or other programs: " + ", ".join(beyond))
    failed = sorted({failure for records in analysis.by_key.values() for record in records for failure in record["failed"]})
    if failed:
        said.append("Checks that failed: " + "; ".join(failed[:8]))
    if skipped:
        said.append("Not run: " + ", ".join(skipped))
    return "".join(f"<p class=warning>{escape(text)}</p>" for text in said)


def remark_of(analysis, key):
    figure = analysis.figure(key)
    if not analysis.records(key):
        return "failed"
    remarks = [figure.quality] if figure and figure.quality != "clean" else []
    if analysis.is_saturated(key):
        lost = 1 - analysis.figure(key, "frames_share").value
        remarks.append(f"saturated, {lost:.0%} unsent")
    return ", ".join(remarks)


def cpu_bars(analysis, setting, scheme, variant="random"):
    rows = []
    for name in NAMES:
        key = f"{setting}/{scheme}/{name}/{variant}"
        if figure := analysis.figure(key):
            subject = SUBJECTS[name]
            rows.append((subject.title, subject.kind, figure.value, figure.low, figure.high, remark_of(analysis, key)))
    rows.sort(key=lambda row: row[2])
    return bars(rows, f"CPU per frame, setting {setting}, {scheme}, {variant}", " µs")


def what_slots_save(analysis):
    """How much of the lead is batching, and how much is io_uring: told by the floors, which differ in nothing else."""
    names = ("floor-arrivals", "floor-epoll", "floor", "floor-tick")
    figures = [analysis.figure(f"a/ws/{name}/random") for name in names]
    if None in figures:
        return ""
    arrivals, epoll, ring, tick = (figure.value for figure in figures)
    return (f"<p class=soft>Of the bare sockets: looking at all of them once in a slot costs {change(epoll, arrivals)} than waking for "
            f"each arrival, io_uring in place of epoll {change(ring, epoll)} again, and one wake-up a tick in place of slots would "
            f"cost {change(tick, ring)}.</p>")


def change(after, before):
    share = after / before - 1
    return f"{abs(share):.0%} {'less' if share < 0 else 'more'}"


def elsewhere(analysis):
    rows = "".join(
        f"<tr><td>{escape(SUBJECTS[one.name].title)}, {one.scheme}<td class=n>{one.ours:.2f}<td class=n>{one.theirs:.2f}"
        f"<td class=n>{one.difference:+.0%}<td>{escape(one.remark)}" for one in compare(analysis))
    if not rows:
        return '<p class="none">not measured</p>'
    return f"<div class=wide><table><tr><th>server<th class=n>here<th class=n>there<th class=n>apart<th>why{rows}</table></div>"


def ages(analysis):
    series = []
    for title, key in [("tickwire", "a/ws/relay/random"), ("Bun", "a/ws/bun/random"), ("ws (Node)", "a/ws/ws/random"),
                       ("Boost.Beast", "a/ws/beast/random"), ("libwebsockets", "a/ws/libwebsockets/random"), ("Colyseus", "a/ws/colyseus/random"),
                       ("tickwire, phase-locked", "a/ws/relay/phase-locked")]:
        if record := analysis.typical(key, "age_ms.p50"):
            points = [(value, step * 2.5) for step, value in enumerate(record["age_ms"]["quantiles"][:40])]
            series.append((title, points))
    top = max((points[-1][0] for _, points in series), default=1)
    return lines(series, "Age of states", "age, ms", "% of states", x_top=min(top, 80), y_top=100)


def memory(analysis):
    rows = []
    counts = sorted({int(key.split("/")[3]) for key in analysis.by_key if key.startswith("d/")})
    for scheme in ("ws", "wss"):
        for name in ("relay", "bun"):
            for count in counts:
                if figure := analysis.idle_bytes(count, scheme, name):
                    rows.append((f"{SUBJECTS[name].title}, {scheme}, {count:,}", SUBJECTS[name].kind, figure.value, figure.low,
                                 figure.high, ""))
    return bars(rows, "Bytes per idle connection", " B")


def growing(analysis, setting, names, first_setting=None):
    series = []
    for name in names:
        points = []
        if first_setting and (figure := analysis.figure(f"{first_setting}/ws/{name}/random")):
            points.append((analysis.records(f"{first_setting}/ws/{name}/random")[0]["members"], figure.value))
        for key in analysis.by_key:
            if key.startswith(f"{setting}/ws/{name}/") and (figure := analysis.figure(key)):
                points.append((int(key.split("/")[3]), figure.value))
        series.append((SUBJECTS[name].title, sorted(points)))
    return lines(series, "CPU per frame by members", "members", "µs per frame", is_x_log=True)


def capacity(analysis):
    rows = []
    for scheme in ("ws", "wss"):
        for name in ("relay", "floor", "bun"):
            if found := analysis.capacity(scheme, name):
                rows.append((f"{SUBJECTS[name].title}, {scheme}", SUBJECTS[name].kind, found[0], None, None, f"from {found[1]:,}"))
    return bars(rows, "Capacity")


def goal_table(goals):
    words = {True: "<span class=yes>met</span>", False: "<span class=no>missed</span>", None: "<span class=soft>–</span>"}
    rows = "".join(f"<tr><td>{escape(goal.what)}{note(goal)}<td class=n>{escape(goal.bound)}<td class=n>{escape(goal.measured)}"
                   f"<td>{words[goal.is_met]}" for goal in goals)
    return f"<div class=wide><table><tr><th>what<th class=n>goal<th class=n>measured<th>{rows}</table></div>"


def note(goal):
    return f"<br><span class=soft>{escape(goal.note)}</span>" if goal.note else ""


def order_of(key):
    setting, scheme, name, variant = key.split("/")
    return setting, scheme, NAMES.index(name), variant.rjust(6)


def figure_table(analysis):
    columns = [("CPU µs", "cpu_us", 2), ("core µs", "core_us", 2), ("frames/s", "frames_per_s", 0), ("bytes", "bytes_per_frame", 0),
               ("age p50", "age_ms.p50", 1), ("p99", "age_ms.p99", 1), ("p99.9 ms", "age_ms.p999", 1), ("own p99", "own_age_ms.p99", 1),
               ("PONG p99", "pong_ms.p99", 1), ("lost", "states.lost", 0), ("skipped", "skipped", 0),
               ("MB", lambda record: record["rss"] / 1e6, 1), ("swarm", "swarm_share", 2)]
    head = "".join(f"<th class=n>{title}" for title, _, _ in columns)
    rows = []
    for key in sorted(analysis.by_key, key=order_of):
        cells = []
        for _, path, digits in columns:
            figure = analysis.figure(key, path)
            cells.append(f"<td class=n>{figure.value:,.{digits}f}" if figure else "<td class=n>")
        setting, scheme, name, variant = key.split("/")
        rows.append(f"<tr><td class=cell>({setting}) {scheme} {escape(SUBJECTS[name].title)}<br><span class=soft>{escape(variant)}"
                    f"{', ' if remark_of(analysis, key) else ''}{escape(remark_of(analysis, key))}</span>"
                    f"<td class=n>{len(analysis.records(key))}{''.join(cells)}")
    return f"<div class=wide><table><tr><th>cell<th class=n>runs{head}{''.join(rows)}</table></div>"


def method(machine, command):
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    facts = {"machine": f"{machine['cpus']} × {machine['cpu']}", "kernel": machine["kernel"], "commit": machine["commit"],
             "compiler": machine["compiler"], "congestion control": machine["congestion_control"],
             "nice": str(machine["nice"]), "versions": versions,
             "command": command}
    listed = "".join(f"<dt>{escape(name)}<dd>{escape(value)}" for name, value in facts.items())
    return (f"<dl>{listed}</dl><p>Server pinned to one core, the load generator to the other, loopback, open loop, phases of the clients "
            "spread evenly over the tick; the servers of a setting run one after the other, again and again. CPU is the server's user and "
            "system time; “core” is all that its core did in the same window, softirq work and other programs included. Every state that "
            "arrives is compared byte for byte. bench/README.md has the whole method.</p>")
