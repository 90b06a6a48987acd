"""What the relay is to reach (the issue's "The lead"), beside what it did."""
import dataclasses

from suite.analysis import SLOT_US, Analysis, keeps_time, quantile_of
from suite.settings import STRETCH_SLOTS_US

SLOT_MS = SLOT_US / 1000
TICK_MS = 1000 / 30

# Why a goal is missed, after honest work; shown only where it is.
REASONS = {
    "(a) wss, random: to Bun's": "the rest is OpenSSL's records (bench/README.md, Figures): Bun has BoringSSL",
}


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


class Costs:
    """Ratios of CPU per frame. A figure that is bought with skipped ticks or late PONGs does not count."""

    def __init__(self, records):
        self.clean = Analysis(records, ["clean"])
        self.in_time = Analysis(records, ["clean"], keeps_time)

    def at_most(self, what, key, other, bound):
        clean, in_time = len(self.clean.records(key)), len(self.in_time.records(key))
        note = "" if clean == in_time else f"of the {in_time} of {clean} clean runs in which all ticks and PONGs were in time"
        value = self.in_time.ratio(key, other)
        careless = self.clean.ratio(key, other)
        if value is None and careless is not None:
            return Goal(what, f"≤ {bound:g}", f"{careless:.2f}", False, "in none of the clean runs were all ticks and PONGs in time")
        return at_most(what, value, bound, note=note)

    def stretch(self, what, bound):
        """With the shortest of the slots tried that reaches it, or else with what the longest reaches."""
        tried = [(SLOT_US, "a/ws/relay/random"), *((slot_us, f"a/ws/relay/slot-{slot_us}") for slot_us in STRETCH_SLOTS_US)]
        ratios = [(slot_us, self.in_time.ratio(key, "a/ws/bun/random")) for slot_us, key in tried]
        ratios = [(slot_us, value) for slot_us, value in ratios if value is not None]
        if not ratios:
            return self.at_most(what, tried[0][1], "a/ws/bun/random", bound)
        slot_us, value = next((pair for pair in ratios if pair[1] <= bound), ratios[-1])
        return at_most(what, value, bound, note=f"with slots of {slot_us / 1000:g} ms")


def make_goals(records):
    goals = list_goals(Analysis(records, ["clean"]), Analysis(records, ["clean", "disturbed"]), Costs(records))
    return [dataclasses.replace(goal, note="; ".join(filter(None, (goal.note, REASONS[goal.what]))))
            if goal.is_met is False and goal.what in REASONS else goal for goal in goals]


def list_goals(analysis, counted, costs):
    """`analysis`: of clean runs. `counted`: of those too that others disturbed, for what is no matter of time."""
    def figure(key, path="cpu_us"):
        return value_of(analysis.figure(key, path))

    goals = [
        costs.at_most("(a) ws, random: CPU per frame to the io_uring floor's", "a/ws/relay/random", "a/ws/floor/random", 1.20),
        costs.at_most("(a) ws, random: to Bun's", "a/ws/relay/random", "a/ws/bun/random", 0.70),
        costs.stretch("(a) ws, random: to Bun's, stretch", 0.60),
        costs.at_most("(a) wss, random: to Bun's", "a/wss/relay/random", "a/wss/bun/random", 0.65),
    ]
    for setting, key in (("(b)", "b/ws/{}/random"), ("(c)", "c/ws/{}/random"), ("2,048 members of (a)", "e/ws/{}/2048")):
        goals += [
            costs.at_most(f"{setting} ws: to the floor's", key.format("relay"), key.format("floor"), 1.20),
            costs.at_most(f"{setting} ws: to Bun's", key.format("relay"), key.format("bun"), 1),
        ]
    for setting, key in (("(b)", "b/wss/{}/random"), ("(c)", "c/wss/{}/random"), ("2,048 members of (a)", "e/wss/{}/2048")):
        goals.append(costs.at_most(f"{setting} wss: to Bun's", key.format("relay"), key.format("bun"), 1))
    for scheme in ("ws", "wss"):
        ours, theirs = costs.in_time.capacity(scheme, "relay"), costs.in_time.capacity(scheme, "bun")
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
        growth(costs.in_time),
        at_most("bytes of a tick with movement, to full states", counted.ratio("a/ws/relay/movement", "a/ws/relay/random", "bytes_per_frame"), 0.6),
        costs.at_most("two shards: CPU per frame to one shard's", "h/ws/relay/2", "h/ws/relay/1", 1.25),
        at_most("(g) slow readers: rise of the others' p99 age",
                difference(figure("g/ws/relay/16", "age_ms.p99"), figure("g/ws/relay/0", "age_ms.p99")), SLOT_MS, " ms", digits=1),
    ]
    return goals


def lateness(analysis):
    what = "tick lateness p99.9 beside a bare clock_nanosleep loop's on the same core"
    records = [record for record in analysis.records("a/ws/relay/lateness") if record.get("sleeper")]
    if not records:
        return Goal(what, "≤ its + 0.5 ms", "no clean run", None)
    pairs = sorted(((quantile_of(record["lateness_below_us"], 0.999),
                     quantile_of(record["sleeper"]["lateness_below_us"], 0.999)) for record in records),
                   key=lambda pair: pair[0] - pair[1])
    ours, theirs = pairs[len(pairs) // 2]
    return Goal(what, f"≤ {(theirs + 500) / 1000:.2f} ms", f"{ours / 1000:.2f} ms", ours <= theirs + 500,
                f"the middle of {len(pairs)} runs; inside a bucket of the histograms, which double, linear")


def growth(analysis):
    """How the ratio to the floor changes from the fewest members to where it is largest."""
    what = "(f) growth of the ratio to the floor"
    sizes = sorted(int(key.split("/")[3]) for key in analysis.by_key if key.startswith("f/ws/relay/"))
    ratios = [analysis.ratio(f"f/ws/relay/{size}", f"f/ws/floor/{size}") for size in sizes]
    if len(sizes) < 2 or None in ratios:
        return at_most(what, None, 1.10)
    told = ", ".join(f"{ratio:.2f} at {size:,}" for ratio, size in zip(ratios, sizes))
    return at_most(what, max(ratios) / ratios[0], 1.10, note=f"{told} members")
