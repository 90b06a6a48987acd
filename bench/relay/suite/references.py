"""What the same servers cost elsewhere, so that a badly written peer cannot pass for a slow one: µs of server CPU per
frame at setting (a) on a 2-core Zen 5 virtual machine, Linux 6.18, loopback, best-effort implementations."""
import dataclasses

DIFFERENCE_MAX = 0.15
FLOOR_US = 7.2  # bare sockets on io_uring, 2 ms slots
CPU_US = {"ws": {"floor-epoll": 8.4, "floor-arrivals": 12.2, "floor-tick": 6.3, "bun": 12.3, "ws": 14.3, "beast": 13.3,
                 "libwebsockets": 16.1, "colyseus": 19.0, "socket.io": 43.0},
          "wss": {"bun": 16.3, "ws": 21.8, "beast": 18.5, "libwebsockets": 21.3, "colyseus": 27.7, "socket.io": 65.0}}
UNEXPLAINED = "not explained"
# Known reasons for a lower ratio.
CHEAPER_BECAUSE = {
    "colyseus": "rooms broadcast bytes instead of a schema, and each ticks by itself",
    "socket.io": "volatile: what it drops when its core is full costs less than a frame",
}
# Whom a server is held against where the floor differs: those on Node another of them.
STANDARDS = {"colyseus": "ws", "socket.io": "ws"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A server's ratio to the io_uring floor here and there."""

    name: str
    scheme: str
    ours: float
    theirs: float
    remark: str  # why they are apart; empty: they are not

    @property
    def difference(self):
        return self.ours / self.theirs - 1


def compare(analysis):
    floor = analysis.figure("a/ws/floor/random")
    for scheme, costs in CPU_US.items():
        for name, cost_us in costs.items():
            figure = analysis.figure(f"a/{scheme}/{name}/random")
            if figure and floor:
                ours, theirs = figure.value / floor.value, cost_us / FLOOR_US
                yield Comparison(name, scheme, ours, theirs, remark(analysis, scheme, name, ours / theirs - 1))


def remark(analysis, scheme, name, difference):
    if is_same(difference):
        return ""
    if difference < 0 and name in CHEAPER_BECAUSE:
        return CHEAPER_BECAUSE[name]
    if name == "floor-arrivals":
        return what_wake_ups_cost(analysis)
    if name == "floor-tick":
        return what_the_core_says(analysis)
    standard = STANDARDS.get(name, "bun")
    ours = analysis.ratio(f"a/{scheme}/{name}/random", f"a/{scheme}/{standard}/random")
    theirs = CPU_US[scheme][name] / CPU_US[scheme][standard]
    if name != standard and ours and is_same(ours / theirs - 1):
        return f"what floor and {standard} cost beside each other differs: to {standard}'s it is {ours:.2f} here and {theirs:.2f} there"
    return UNEXPLAINED


def is_same(difference):
    return abs(difference) <= DIFFERENCE_MAX


def what_wake_ups_cost(analysis):
    arrivals, slots = (analysis.figure(f"a/ws/{name}/random") for name in ("floor-arrivals", "floor-epoll"))
    if not slots:
        return UNEXPLAINED
    there_us = CPU_US["ws"]["floor-arrivals"] - CPU_US["ws"]["floor-epoll"]
    return (f"the machine, and not the program: waking for each arrival costs "
            f"{arrivals.value - slots.value:.1f} µs a frame more here, and {there_us:.1f} there")


def what_the_core_says(analysis):
    """A burst of sends leaves work to softirq that no process is charged for."""
    ours = analysis.ratio("a/ws/floor-tick/random", "a/ws/floor/random", "core_us")
    theirs = CPU_US["ws"]["floor-tick"] / FLOOR_US
    if ours and is_same(ours / theirs - 1):
        return f"part of its work lies outside the process: by what their cores did it is {ours:.2f}"
    return UNEXPLAINED
