"""What is run: the settings (a) to (h), each a list of cells. A cell is one server under one load; the runs of a
setting's cells are interleaved."""
import dataclasses

from suite.subjects import Load

PEERS = ["bun", "ws", "beast", "libwebsockets", "colyseus", "socket.io"]
STRETCH_SLOTS_US = [4000, 8000]
FLOORS = ["floor", "floor-epoll", "floor-arrivals", "floor-tick"]


@dataclasses.dataclass(frozen=True)
class Cell:
    setting: str
    subject: str
    scheme: str
    variant: str
    load: Load

    @property
    def key(self):
        return f"{self.setting}/{self.scheme}/{self.subject}/{self.variant}"


TITLES = {
    "a": "64 matches × 16 members, 30 Hz, 48-byte states",
    "b": "one match of 200 at 20 Hz",
    "c": "500 matches × 4 at 60 Hz",
    "d": "idle connections",
    "e": "more members of shape (a): capacity",
    "f": "growth at 5 Hz",
    "g": "shape (a), one member in 16 reads slowly",
    "h": "shape (a) on one shard and on two",
}


def relay_and(setting, load, schemes, others, variant="random"):
    """The relay, and others under the same load. The floor speaks no TLS."""
    cells = []
    for scheme in schemes:
        cells.append(Cell(setting, "relay", scheme, variant, load))
        cells += [Cell(setting, other, scheme, variant, load) for other in others
                  if scheme == "ws" or not other.startswith("floor")]
    return cells


def moving(setting, load, schemes, others=()):
    """The same with movement, which deltas can shrink and of which one player in eight sends none."""
    return relay_and(setting, dataclasses.replace(load, content="movement"), schemes, others, "movement")


def sizes(setting, loads, schemes, others):
    cells = []
    for load in loads:
        cells += relay_and(setting, load, schemes, others, f"{load.members}")
    return cells


def make_cells(extent):
    """`extent`: full, quick or smoke."""
    both = ["ws", "wss"]
    if extent == "smoke":
        tiny = Load(2, 4, 30)
        return [
            *relay_and("a", tiny, both, FLOORS + PEERS), *moving("a", tiny, ["ws"], ["bun"]),
            Cell("a", "relay", "ws", "slot-4000", dataclasses.replace(tiny, slot_us=4000)),
            Cell("a", "relay", "ws", "phase-locked", dataclasses.replace(tiny, is_phase_locked=True)),
            Cell("a", "relay", "ws", "lateness", dataclasses.replace(tiny, has_metrics=True)),
            *relay_and("b", Load(1, 20, 20), ["ws"], ["floor", "bun"]),
            *relay_and("c", Load(5, 4, 60), both, ["bun"]),
            *sizes("d", [Load(1, 0, 30, spectators=40)], ["ws"], ["bun"]),
            *sizes("e", [Load(4, 4, 30)], ["ws"], ["floor", "bun"]),
            *sizes("f", [Load(4, 2, 5)], ["ws"], ["floor"]),
            Cell("g", "relay", "ws", "16", dataclasses.replace(Load(1, 16, 30), slow_every=16)),
            Cell("h", "relay", "ws", "2", dataclasses.replace(tiny, shards=2)),
        ]
    is_full = extent == "full"
    a, b, c = Load(64, 16, 30), Load(1, 200, 20), Load(500, 4, 60)
    return [
        *relay_and("a", a, both, FLOORS + PEERS), *moving("a", a, both, ["bun"]),
        # What longer slots would save: for the stretch goal, which is reported with the slot that it took.
        *(Cell("a", "relay", "ws", f"slot-{slot_us}", dataclasses.replace(a, slot_us=slot_us))
          for slot_us in STRETCH_SLOTS_US),
        Cell("a", "relay", "ws", "phase-locked", dataclasses.replace(a, is_phase_locked=True)),
        # With a loop beside it that only sleeps.
        Cell("a", "relay", "ws", "lateness", dataclasses.replace(a, has_metrics=True)),
        *relay_and("b", b, both, ["floor", "bun"]), *moving("b", b, ["ws"], ["bun"]),
        *relay_and("c", c, both, ["floor", "bun"]), *moving("c", c, ["ws"], ["bun"]),
        *sizes("d", [Load(2, 0, 30, spectators=count, ramp=4000) for count in ((10_000, 19_000) if is_full else (10_000,))],
               both, ["bun"]),
        *sizes("e", [Load(matches, 16, 30) for matches in ((128, 192, 256) if is_full else (128,))],
               both, ["floor", "bun"]),
        *sizes("f", [Load(matches, 16, 5) for matches in ((64, 256, 1024) if is_full else (64, 512))],
               ["ws"], ["floor", "bun"]),
        *(Cell("g", subject, "ws", str(slow_every), dataclasses.replace(a, slow_every=slow_every))
          for subject in ("relay", "bun") for slow_every in (0, 16)),
        *(Cell("h", "relay", "ws", str(shards), dataclasses.replace(a, shards=shards)) for shards in (1, 2)),
    ]
