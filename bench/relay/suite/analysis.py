"""From records to figures: medians over the runs of a cell that count."""
import dataclasses
import statistics

CAPACITY_SHARE = 0.9
SWARM_SHARE_MAX = 0.85


@dataclasses.dataclass(frozen=True)
class Figure:
    """A median, its extremes, and how good the runs were: clean, disturbed (others held the core) or void (the
    swarm was the bottleneck). Only runs of the best kind that there is are counted."""

    value: float
    low: float
    high: float
    count: int
    quality: str


def quality_of(record):
    return "void" if record["void"] else "disturbed" if record["disturbed"] else "clean"


def look_up(record, path):
    value = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


class Analysis:
    def __init__(self, records, qualities=("clean", "disturbed", "void")):
        self.qualities = qualities
        self.by_key = {}
        for record in records:
            self.by_key.setdefault(record["key"], []).append(record)

    def records(self, key):
        """Those that count."""
        records = self.by_key.get(key, [])
        for quality in self.qualities:
            if chosen := [record for record in records if quality_of(record) == quality]:
                return chosen
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
        return bool(figure) and figure.value < 0.97

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
                       if record["swarm_share"] < SWARM_SHARE_MAX and (record["frames_share"] or 0) >= 0.97]
            if counted and (best is None or counted[0]["members"] > best[1]):
                cpu_us = statistics.median(record["cpu_us"] for record in counted)
                best = (CAPACITY_SHARE * 1e6 / (cpu_us * hz), counted[0]["members"])
        return best

    def idle_bytes(self, count, scheme, subject):
        return self.figure(f"d/{scheme}/{subject}/{count}",
                           lambda record: (record["rss"] - record["rss_before"]) / record["members"])


def upper_bound_of(buckets, share):
    """The upper bound, in µs, of the bucket in which `share` of the counts is reached. {"4": 7}: 7 below 4 µs."""
    total = sum(buckets.values())
    passed = 0
    for bound in sorted(buckets, key=int):
        passed += buckets[bound]
        if total and passed >= share * total:
            return int(bound)
    return None
