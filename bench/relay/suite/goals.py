"""What the relay is to reach (the issue's "The lead"), beside what it did."""
import dataclasses

from suite.analysis import upper_bound_of

SLOT_MS = 2
TICK_MS = 1000 / 30


@dataclasses.dataclass(frozen=True)
class Goal:
    what: str
    bound: str
    measured: str
    is_met: bool | None  # None: not measured
    note: str = ""


def at_most(what, value, bound, unit="", note="", digits=2):
    return judge(what, value, f"≤ {bound:g}{unit}", lambda: value <= bound, unit, note, digits)


def at_least(what, value, bound, unit="", note="", digits=2):
    return judge(what, value, f"≥ {bound:g}{unit}", lambda: value >= bound, unit, note, digits)


def judge(what, value, bound, is_met, unit, note, digits):
    if value is None:
        return Goal(what, bound, "no clean run", None, note)
    return Goal(what, bound, f"{value:.{digits}f}{unit}", bool(is_met()), note)


def value_of(figure):
    return figure.value if figure else None


def difference(one, two):
    return one - two if one is not None and two is not None else None


def make_goals(analysis, counted):
    """`analysis`: of clean runs. `counted`: of those too that others disturbed, for what is no matter of time."""
    def figure(key, path="cpu_us"):
        return value_of(analysis.figure(key, path))

    ratio = analysis.ratio
    goals = [
        at_most("(a) ws, random: CPU per frame to the io_uring floor's", ratio("a/ws/relay/random", "a/ws/floor/random"), 1.20),
        at_most("(a) ws, random: to Bun's", ratio("a/ws/relay/random", "a/ws/bun/random"), 0.70),
        at_most("(a) ws, random: to Bun's, stretch", ratio("a/ws/relay/random", "a/ws/bun/random"), 0.60),
        at_most("(a) wss, random: to Bun's", ratio("a/wss/relay/random", "a/wss/bun/random"), 0.65),
    ]
    for setting, key in (("(b)", "b/ws/{}/random"), ("(c)", "c/ws/{}/random"), ("2,048 members of (a)", "e/ws/{}/2048")):
        goals += [
            at_most(f"{setting} ws: to the floor's", ratio(key.format("relay"), key.format("floor")), 1.20),
            at_most(f"{setting} ws: to Bun's", ratio(key.format("relay"), key.format("bun")), 1),
        ]
    for setting in ("b", "c"):
        goals.append(at_most(f"({setting}) wss: to Bun's", ratio(f"{setting}/wss/relay/random", f"{setting}/wss/bun/random"), 1))
    for scheme in ("ws", "wss"):
        ours, theirs = analysis.capacity(scheme, "relay"), analysis.capacity(scheme, "bun")
        note = f"extrapolated, from {ours[1]:,} and {theirs[1]:,} members" if ours and theirs else ""
        goals.append(at_least(f"capacity {scheme}: to Bun's", ours[0] / theirs[0] if ours and theirs else None, 1.3, note=note))
    goals += [
        at_most("(a) age with phase lock, p50", figure("a/ws/relay/phase-locked", "age_ms.p50"), 8, " ms", digits=1),
        at_most("(a) age with phase lock, p99", figure("a/ws/relay/phase-locked", "age_ms.p99"), round(TICK_MS / 2 + 5, 1), " ms", digits=1),
        at_most("(a) age with spread phases, p99", figure("a/ws/relay/random", "age_ms.p99"), round(TICK_MS + 5, 1), " ms", digits=1),
        at_most("(a) PONG round trip, p99", figure("a/ws/relay/random", "pong_ms.p99"), SLOT_MS + 1, " ms", digits=1),
        at_most("(a) ticks skipped", figure("a/ws/relay/random", "skipped"), 0, digits=0),
        lateness(analysis),
        at_most("an idle ws connection, resident bytes (10,000)", value_of(counted.idle_bytes(10_000, "ws", "relay")), 700, " B", digits=0),
        at_most("an idle wss connection, resident bytes (10,000)", value_of(counted.idle_bytes(10_000, "wss", "relay")), 16384, " B", digits=0),
        growth(analysis),
        at_most("bytes of a tick with movement, to full states", counted.ratio("a/ws/relay/movement", "a/ws/relay/random", "bytes_per_frame"), 0.6),
        at_most("two shards: CPU per frame to one shard's", ratio("h/ws/relay/2", "h/ws/relay/1"), 1.25),
        at_most("(g) slow readers: rise of the others' p99 age",
                difference(figure("g/ws/relay/16", "age_ms.p99"), figure("g/ws/relay/0", "age_ms.p99")), SLOT_MS, " ms", digits=1),
    ]
    return goals


def lateness(analysis):
    what = "tick lateness p99.9 beside a bare clock_nanosleep loop's on the same core"
    records = [record for record in analysis.records("a/ws/relay/lateness") if record.get("sleeper")]
    if not records:
        return Goal(what, "≤ its + 0.5 ms", "no clean run", None)
    record = records[len(records) // 2]
    ours = upper_bound_of(record["counters"]["tick_lateness_below_us"], 0.999)
    theirs = upper_bound_of(record["sleeper"]["lateness_below_us"], 0.999)
    return Goal(what, f"≤ {(theirs + 500) / 1000:g} ms", f"{ours / 1000:g} ms", ours <= theirs + 500,
                "upper bounds of buckets that double; the whole run, joining included")


def growth(analysis):
    """How the ratio to the floor changes from the fewest members to the most."""
    what = "(f) growth of the ratio to the floor"
    sizes = sorted(int(key.split("/")[3]) for key in analysis.by_key if key.startswith("f/ws/relay/"))
    ratios = [analysis.ratio(f"f/ws/relay/{size}", f"f/ws/floor/{size}") for size in sizes]
    if len(sizes) < 2 or None in ratios:
        return at_most(what, None, 1.10)
    return at_most(what, ratios[-1] / ratios[0], 1.10, note=f"{ratios[0]:.2f} at {sizes[0]:,} members, {ratios[-1]:.2f} at {sizes[-1]:,}")
