"""From records to figures: medians over the runs of a cell that count."""
import dataclasses
import statistics

CAPACITY_SHARE = 0.9
SWARM_SHARE_MAX = 0.85
FRAMES_SHARE_MIN = 0.97
SLOT_US = 2000  # the relay's own choice
CORE_BEYOND_PROCESS_MAX = 1.15


@dataclasses.dataclass(frozen=True)
class Figure:
    """A median, its extremes, and how good the runs were: clean, disturbed (others held the core) or void (the
    swarm was the bottleneck). Only runs of the best kind that there is are counted."""

    value: float
    low: float
    high: float
    count: int
    quality: str


QUALITIES = ("clean", "disturbed", "void")  # of runs that count for anything


def quality_of(record):
    """A server that sends garbage is fast: what failed its checks counts for nothing."""
    if record["failed"]:
        return "failed"
    return "void" if record["void"] else "disturbed" if record["disturbed"] else "clean"


def keeps_time(record):
    """Whether the relay bought its CPU with nothing: no tick skipped or left out, every frame sent, and 99 % of the
    PONGs within a slot and a millisecond. Others promise none of that."""
    if record["subject"] != "relay" or not record["load"]["players"]:
        return True
    slot_ms = (record["load"].get("slot_us") or SLOT_US) / 1000
    pong_ms = look_up(record, "pong_ms.p99")
    return (record["skipped"] == 0 and not record["counters"].get("ticks_left_out") and
            (record["frames_share"] or 0) >= FRAMES_SHARE_MIN and pong_ms is not None and pong_ms <= slot_ms + 1)


def look_up(record, path):
    value = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


class Analysis:
    def __init__(self, records, qualities=QUALITIES, counts=lambda record: True):
        """`counts`: which of the runs of such a quality do."""
        self.qualities = qualities
        self.counts = counts
        self.by_key = {}
        for record in records:
            self.by_key.setdefault(record["key"], []).append(record)

    def records(self, key):
        """Those that count; none, where all have failed."""
        records = self.by_key.get(key, [])
        for quality in self.qualities:
            if chosen := [record for record in records if quality_of(record) == quality]:
                return [record for record in chosen if self.counts(record)]
        return []

    def figure(self, key, path="cpu_us"):
        """`path` names a field, or is a function of the record."""
        records = self.records(key)
        values = [path(record) if callable(path) else look_up(record, path) for record in records]
        values = [value for value in values if value is not None]
        if not values:
            return None
        return Figure(statistics.median(values), min(values), max(values), len(values), quality_of(records[0]))

    def ratio(self, key, other, path="cpu_us"):
        """The ratio of two medians, or None."""
        one, two = self.figure(key, path), self.figure(other, path)
        return one.value / two.value if one and two and two.value else None

    def typical(self, key, path="cpu_us"):
        """The record whose figure is the median's nearest: for distributions, which have no median."""
        figure = self.figure(key, path)
        if not figure:
            return None
        return min(self.records(key), key=lambda record: abs((look_up(record, path) or 0) - figure.value))

    def is_saturated(self, key):
        """It sent visibly fewer frames than it was to."""
        figure = self.figure(key, "frames_share")
        return bool(figure) and figure.value < FRAMES_SHARE_MIN

    def core_beyond_process(self, key):
        """How many times the process's CPU time its core was busy, where that is much: softirq work that nobody is
        charged for, or other programs. None: they agree."""
        core, process = self.figure(key, "core_us"), self.figure(key)
        if not core or not process or core.value <= process.value * CORE_BEYOND_PROCESS_MAX:
            return None
        return core.value / process.value

    def capacity(self, scheme, subject, hz=30):
        """Members of shape (a) at which CPU per frame times the rate fills 90 % of a core; from the largest run
        in which the swarm was below 85 % and the server sent what it was to. (members, members of that run)."""
        best = None
        for key, records in self.by_key.items():
            setting, key_scheme, key_subject, variant = key.split("/")
            if (key_scheme, key_subject) != (scheme, subject) or not (
                    setting == "e" or (setting == "a" and variant == "random")):
                continue
            counted = [record for record in self.records(key)
                       if record["swarm_share"] < SWARM_SHARE_MAX and (record["frames_share"] or 0) >= FRAMES_SHARE_MIN]
            if counted and (best is None or counted[0]["members"] > best[1]):
                cpu_us = statistics.median(record["cpu_us"] for record in counted)
                best = (CAPACITY_SHARE * 1e6 / (cpu_us * hz), counted[0]["members"])
        return best

    def idle_bytes(self, count, scheme, subject):
        return self.figure(f"d/{scheme}/{subject}/{count}",
                           lambda record: (record["rss"] - record["rss_before"]) / record["members"])


def quantile_of(buckets, share):
    """The µs that `share` of the counts do not pass, linear inside a bucket. {"4": 7}: 7 from 2 to 4 µs."""
    total = sum(buckets.values())
    passed = 0
    for bound in sorted(buckets, key=int):
        count = buckets[bound]
        if count and passed + count >= share * total:
            low = int(bound) / 2 if int(bound) > 1 else 0
            return low + (int(bound) - low) * (share * total - passed) / count
        passed += count
    return None
