"""The servers: the relay, the floor, the peers. Each does the same job (bench/README.md) and prints
`listening URL` once it can be connected to."""
import dataclasses
import os
import pathlib
import typing

SOURCE = pathlib.Path(__file__).resolve().parents[3]
PEERS = SOURCE / "bench/peers"


@dataclasses.dataclass(frozen=True)
class Load:
    """What a run asks of the server. `slow_every`: one member in so many reads twice a second."""

    matches: int
    players: int
    hz: int
    spectators: int = 0
    bytes: int = 48
    content: str = "random"
    is_phase_locked: bool = False
    slow_every: int = 0
    shards: int = 1
    slot_us: int = 0  # of the relay; 0: its own choice
    has_metrics: bool = False  # the relay serves them
    ramp: int = 2000

    @property
    def members(self):
        return self.matches * self.players + self.spectators

    def frame_bytes(self):
        """A tick of the relay with every state in full, with its WebSocket header: what the floor sends."""
        message = 8 + self.players * (7 + self.bytes)
        return message + (2 if message < 126 else 4 if message < 65536 else 10)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the programs are, and the certificate of this run."""

    build: pathlib.Path
    certificate: str
    key: str

    def tls(self, scheme):
        return ["--certificate", self.certificate, "--key", self.key] if scheme == "wss" else []

    def congestion(self, name):
        """The environment in which a peer's listener uses it (bench/relay/congestion)."""
        library = self.build / "bench/relay/congestion/libbench_congestion.so"
        return {"LD_PRELOAD": str(library), "TICKWIRE_CONGESTION": name}


@dataclasses.dataclass(frozen=True)
class Subject:
    name: str
    title: str
    protocol: str  # of `tickwire swarm`
    command: typing.Callable  # (place, load, scheme) -> argument list
    kind: str = "peer"  # relay, floor, peer

    def missing(self, place):
        """Why it cannot be run here, or None."""
        program = self.command(place, Load(1, 2, 30), "ws")[0]
        return None if os.path.exists(program) else f"{program} is not there"


def relay(place, load, scheme):
    listen = ["--tls-listen"] if scheme == "wss" else ["--listen"]
    return [str(place.build / "tickwire"), "serve", *listen, "127.0.0.1:0", *place.tls(scheme),
            "--shards", str(load.shards), "--tick-hz", str(load.hz), "--max-players", str(max(64, load.players)),
            *(["--slot-us", str(load.slot_us)] if load.slot_us else []),
            *(["--admin-listen", "127.0.0.1:0"] if load.has_metrics else [])]


def floor(*options):
    def command(place, load, _scheme):
        return [str(place.build / "bench/relay/floor/bench_floor"), "--matches", str(load.matches),
                "--hz", str(load.hz), "--frame-bytes", str(load.frame_bytes()), *options]
    return command


def script(runtime, path):
    def command(place, load, scheme):
        return [str(PEERS / "node_modules/.bin" / runtime), str(PEERS / path), "--hz", str(load.hz),
                *place.tls(scheme)]
    return command


def program(name):
    def command(place, load, scheme):
        return [str(place.build / "bench/peers" / name), "--hz", str(load.hz), *place.tls(scheme)]
    return command


SUBJECTS = {subject.name: subject for subject in [
    Subject("relay", "tickwire", "game", relay, "relay"),
    Subject("floor", "floor: io_uring, slots", "bare", floor("--io", "uring"), "floor"),
    Subject("floor-epoll", "floor: epoll, slots", "bare", floor("--io", "epoll"), "floor"),
    Subject("floor-arrivals", "floor: epoll, each arrival", "bare", floor("--io", "epoll-arrivals"), "floor"),
    Subject("floor-tick", "floor: io_uring, one wake-up a tick", "bare",
            floor("--io", "uring", "--slot-us", "1000000"), "floor"),
    Subject("bun", "Bun", "neutral", script("bun", "bun/server.js")),
    Subject("ws", "ws (Node)", "neutral", script("node", "ws/server.js")),
    Subject("beast", "Boost.Beast", "neutral", program("peer_beast")),
    Subject("libwebsockets", "libwebsockets", "neutral", program("peer_libwebsockets")),
    Subject("colyseus", "Colyseus", "colyseus", script("node", "colyseus/server.js")),
    Subject("socket.io", "Socket.IO", "socket-io", script("node", "socket.io/server.js")),
]}
