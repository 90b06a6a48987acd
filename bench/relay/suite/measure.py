"""One run: a server on one core, the swarm on another, and what the kernel says about both."""
import contextlib
import dataclasses
import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

from suite.subjects import SUBJECTS

SERVER_CPU, SWARM_CPU = 0, 1
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
CONGESTION_CONTROL = "cubic"  # of every server: the relay's and the floor's own, the peers' by the library
# Of the window: waited longer than this for a CPU while others held the core for longer than this.
DISTURBED_SHARE_MAX = 0.03


class RunFailed(Exception):
    pass


@dataclasses.dataclass
class Usage:
    """What a process and a core have used so far."""

    at: float
    cpu_ns: int
    user_s: float
    system_s: float
    waited_ns: int
    core_idle_s: float
    rss: int


def read_usage(pid, cpu):
    cpu_ns = waited_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            ran, waited, _ = map(int, file.read().split())
            cpu_ns += ran
            waited_ns += waited
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    with open("/proc/stat", encoding="ascii") as file:
        core = [int(field) for field in re.search(rf"^cpu{cpu} (.*)$", file.read(), re.MULTILINE).group(1).split()]
    # Of a core's times only the idle ones are counted; the others are sampled at timer ticks, and a server that wakes
    # by the clock has often slept or finished at just those.
    idle_s = (core[3] + core[4]) / TICKS_PER_SECOND
    return Usage(time.monotonic(), cpu_ns, int(fields[11]) / TICKS_PER_SECOND, int(fields[12]) / TICKS_PER_SECOND,
                 waited_ns, idle_s, resident(pid))


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


def prepare_child(cpu):
    """Runs in the child: its core, and as many open files as it may have. The priority is inherited."""
    def prepare():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return prepare


class Server:
    """A server under test, ended with the block. `cpu` None: wherever the kernel puts it."""

    def __init__(self, command, cpu, environment):
        self.errors = tempfile.TemporaryFile("w+b")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env={**os.environ, **environment}, preexec_fn=prepare_child(cpu))
        self.url = self.next_url()
        if not self.url:
            self.process.wait()
            raise RunFailed(f"{command[0]} does not start: {self.log()[-300:]}")

    def next_url(self):
        return self.process.stdout.readline().removeprefix("listening ").strip()

    def log(self):
        return os.pread(self.errors.fileno(), 1 << 26, 0).decode(errors="replace")

    def counters(self):
        """The relay's, of all shards, added up: logged at its end."""
        added = {}
        for line in re.findall(r"counters (\{.*\})", self.log()):
            for name, value in json.loads(line).items():
                if isinstance(value, dict):
                    added.setdefault(name, {})
                    for key, count in value.items():
                        added[name][key] = added[name].get(key, 0) + count
                elif name != "shard":
                    added[name] = added.get(name, 0) + value
        return added

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()


def swarm_command(place, cell, url, span):
    load = cell.load
    command = [str(place.build / "tickwire"), "swarm", url, "--json", "--insecure",
               "--protocol", SUBJECTS[cell.subject].protocol, "--matches", str(load.matches),
               "--players", str(load.players), "--spectators", str(load.spectators), "--hz", str(load.hz),
               "--bytes", str(load.bytes), "--frame-bytes", str(load.frame_bytes()), "--ramp", str(load.ramp),
               "--slow-every", str(load.slow_every), "--warmup", str(span.warmup_s), "--seconds", str(span.measured_s)]
    # Events are the relay's alone: a comparison has none.
    command += ["--events", "0"]
    command += ["--random"] if load.content == "random" else []
    command += ["--phase-lock"] if load.is_phase_locked else []
    return command


@dataclasses.dataclass(frozen=True)
class Span:
    warmup_s: float
    measured_s: float


def run_cell(place, cell, span, is_pinned=True):
    """Runs it once; the record of the run, as it goes into the results."""
    subject = SUBJECTS[cell.subject]
    server_cpu, swarm_cpu = (SERVER_CPU, SWARM_CPU) if is_pinned and cell.load.shards == 1 else (None, None)
    environment = place.congestion(CONGESTION_CONTROL) if subject.kind == "peer" else {}
    with Server(subject.command(place, cell.load, cell.scheme), server_cpu, environment) as server:
        time.sleep(0.3 if is_pinned else 0.05)
        rss_before = resident(server.process.pid)
        swarm = subprocess.Popen(swarm_command(place, cell, server.url, span), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, preexec_fn=prepare_child(swarm_cpu))
        usages = []
        said = []
        sleepers = []
        metrics_url = server.next_url().removeprefix("admin ") if cell.load.has_metrics else None
        lateness = []

        def watch():
            for line in swarm.stderr:
                said.append(line.strip())
                if line.strip() in ("swarm: measuring", "swarm: measured") and server.process.poll() is None:
                    usages.append(read_usage(server.process.pid, SERVER_CPU))
                    if metrics_url:
                        lateness.append(read_lateness(metrics_url))
                        if not sleepers:
                            sleepers.append(start_sleeper(place, span, server_cpu))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            output = swarm.stdout.read()  # until it ends: every phase of the swarm has a limit
            swarm.wait(10)
        finally:
            if swarm.poll() is None:
                swarm.kill()
            watcher.join()
            sleeper = json.loads(sleepers[0].communicate(timeout=60)[0]) if sleepers else None
            swarm.stdout.close()
            swarm.stderr.close()
        server.stop()
        counters = server.counters() if subject.kind == "relay" else {}
    if not output or len(usages) != 2:
        raise RunFailed(f"{cell.key}: {' / '.join(said[-3:]) or 'the swarm says nothing'}; {server.log()[-200:]}")
    record = make_record(cell, json.loads(output), usages, rss_before, counters)
    if metrics_url:
        before, after = lateness
        record["lateness_below_us"] = {bound: count - before[bound] for bound, count in after.items()}
        record["sleeper"] = sleeper
    return record


def read_lateness(url):
    """How late ticks were so far, as the sleeper tells it: counts by the bucket's upper bound in µs."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    counts = {}
    passed = 0
    for bound, count in re.findall(r'^tickwire_tick_lateness_seconds_bucket\{.*le="([0-9.e-]+)"\} (\d+)$', text, re.MULTILINE):
        counts[str(round(float(bound) * 1e6))] = int(count) - passed
        passed = int(count)
    return counts


def start_sleeper(place, span, cpu):
    """A loop that only sleeps, on the server's core."""
    slot_us = 2000
    return subprocess.Popen([str(place.build / "bench/relay/sleeper/bench_sleeper"), str(slot_us), str(span.measured_s)],
                            stdout=subprocess.PIPE, text=True, preexec_fn=prepare_child(cpu))


def measured(histogram):
    """None for what nothing was counted in: the floor tells no ages."""
    return histogram if histogram["count"] else None


def make_record(cell, report, usages, rss_before, counters):
    before, after = usages
    passed_s = after.at - before.at
    frames = report["frames"] / report["measured_s"] * passed_s
    cpu_s = (after.cpu_ns - before.cpu_ns) / 1e9
    core_s = passed_s - (after.core_idle_s - before.core_idle_s)
    expected = cell.load.matches * cell.load.players * cell.load.hz * report["measured_s"]
    waited_share = (after.waited_ns - before.waited_ns) / 1e9 / passed_s
    has_own_core = cell.load.shards == 1
    # A server of several threads waits for itself too: only what others had of its core disturbs it.
    others_share = (core_s - cpu_s) / passed_s if has_own_core else waited_share

    def each(seconds):
        return seconds * 1e6 / frames if frames else None

    failed = [f"{name}: {said}" for name, said in report["checks"].items() if said != "ok"]
    return {
        "key": cell.key, "setting": cell.setting, "subject": cell.subject, "scheme": cell.scheme,
        "variant": cell.variant, "load": dataclasses.asdict(cell.load), "members": cell.load.members,
        "cpu_us": each(cpu_s), "core_us": each(core_s) if has_own_core else None,
        "user_us": each(after.user_s - before.user_s), "system_us": each(after.system_s - before.system_s),
        "cpu_share": cpu_s / passed_s, "core_share": core_s / passed_s if has_own_core else None, "waited_share": waited_share,
        "frames_per_s": report["frames"] / report["measured_s"],
        "frames_share": report["frames"] / expected if expected else None,
        "bytes_per_frame": report["bytes_received"] / report["frames"] if report["frames"] else None,
        "states": report["states"], "age_ms": measured(report["age_ms"]), "own_age_ms": measured(report["own_age_ms"]),
        "pong_ms": measured(report["pong_ms"]), "skipped": report["whole_run"]["ticks_skipped"],
        "rss": after.rss, "rss_before": rss_before, "swarm_share": report["swarm"]["cpu_share"],
        "swarm_late_ms": report["send_lateness_ms"]["p99"],
        "void": "the swarm was the bottleneck" if report["swarm"]["was_bottleneck"] else None,
        "disturbed": min(waited_share, others_share) > DISTURBED_SHARE_MAX, "failed": failed,
        "counters": {name: counters[name] for name in
                     ("ticks", "ticks_late", "ticks_left_out", "tick_lateness_below_us", "ring_enters", "sends",
                      "connections_open") if name in counters},
    }
