"""What the same servers cost elsewhere, so that a badly written peer cannot pass for a slow one: µs of server CPU per
frame at setting (a) on a 2-core Zen 5 virtual machine, Linux 6.18, loopback, best-effort implementations."""
import dataclasses

DIFFERENCE_MAX = 0.15
FLOOR_US = 7.2  # bare sockets on io_uring, 2 ms slots
CPU_US = {"ws": {"floor-epoll": 8.4, "floor-arrivals": 12.2, "floor-tick": 6.3, "bun": 12.3, "ws": 14.3, "beast": 13.3,
                 "libwebsockets": 16.1, "colyseus": 19.0, "socket.io": 43.0},
          "wss": {"bun": 16.3, "ws": 21.8, "beast": 18.5, "libwebsockets": 21.3, "colyseus": 27.7, "socket.io": 65.0}}
# Known reasons for another ratio.
REASONS = {
    "colyseus": "rooms broadcast bytes instead of a schema, and each ticks by itself",
    "socket.io": "volatile: what it drops when its core is full costs less than a frame",
}


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
        bun = analysis.figure(f"a/{scheme}/bun/random")
        for name, cost_us in costs.items():
            figure = analysis.figure(f"a/{scheme}/{name}/random")
            if figure and floor:
                ours, theirs = figure.value / floor.value, cost_us / FLOOR_US
                to_bun = (figure.value / bun.value, cost_us / costs["bun"]) if bun else None
                yield Comparison(name, scheme, ours, theirs, remark(name, ours / theirs - 1, to_bun))


def remark(name, difference, to_bun):
    if abs(difference) <= DIFFERENCE_MAX:
        return ""
    if name in REASONS:
        return REASONS[name]
    if to_bun and name != "bun" and abs(to_bun[0] / to_bun[1] - 1) <= DIFFERENCE_MAX:
        return f"it is the floor that differs: to Bun's it is {to_bun[0]:.2f} here and {to_bun[1]:.2f} there"
    return "not explained: look into how it is written"
