"""A container with a systemd of its own: the image over which a layer of memory lies, no network but its own
loopback, and commands that run inside or only in its network."""
import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGE = ROOT / "build/systemd/image"


class Failed(AssertionError):
    pass


class ControlGroup:
    """One of our own in each hierarchy that systemd uses, so that runs are apart and what one leaves is found."""

    def __init__(self, name):
        own = dict(line.strip().split(":", 2)[1:] for line in open("/proc/self/cgroup"))
        mounts = [line.split()[1:4] for line in open("/proc/mounts")]
        self.folders = [pathlib.Path(point + own[controller], name) for point, kind, options in mounts
                        for controller in ["" if kind == "cgroup2" else "name=systemd"]
                        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(","))]
        for folder in self.folders:
            folder.mkdir()

    @classmethod
    def is_possible(cls):
        try:
            group = cls(f"tickwire-try-{os.getpid()}")
        except OSError:
            return False
        group.remove()
        return bool(group.folders)

    def enter(self):
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def processes(self):
        return {int(pid) for folder in self.folders for procs in folder.glob("**/cgroup.procs")
                for pid in procs.read_text().split()}

    def remove(self):
        """The groups of systemd inside are in it, too."""
        for folder in self.folders:
            for path, _, _ in os.walk(folder, topdown=False):
                os.rmdir(path)


class Container:
    def __init__(self, bind):
        self.group = ControlGroup(f"tickwire-{os.getpid()}")
        self.log = open(ROOT / "build/systemd/console.log", "wb")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet", f"--directory={IMAGE}",
             "--volatile=overlay", "--private-network", f"--machine=tickwire-{os.getpid()}", "--link-journal=no",
             f"--bind-ro={bind}:/package", "--boot"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
            preexec_fn=self.group.enter)
        self.leader = None

    def __enter__(self):
        try:
            self.wait(self._find_leader, "its first process", 60)
            self.wait(lambda: self.run("systemctl is-system-running", check=False).stdout.strip()
                      in ("running", "degraded"), "systemd inside", 120)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self._leave_nothing()

    def _leave_nothing(self):
        deadline = time.monotonic() + 10
        while self.group.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        left = self.group.processes()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        while left and self.group.processes():
            time.sleep(0.05)
        self.group.remove()
        mounts = [line.split()[1] for line in open("/proc/mounts") if str(IMAGE.parent) in line]
        if left or mounts:
            raise Failed(f"the container left {len(left)} processes and the mounts {mounts}")

    def _find_leader(self):
        if self.process.poll() is not None:
            raise Failed(f"systemd-nspawn ended: {(ROOT / 'build/systemd/console.log').read_text(errors='replace')[-2000:]}")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                self.leader = child
        return self.leader

    def wait(self, condition, what, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                raise Failed(f"waited {seconds} s in vain for {what}")
            time.sleep(0.1)

    def _inside(self):
        return ["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C"]

    def run(self, command, check=True, timeout=120):
        """A shell's command line inside."""
        done = subprocess.run([*self._inside(), "bash", "-c", command], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise Failed(f"`{command}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def write(self, path, text):
        subprocess.run([*self._inside(), "tee", path], input=text, text=True, check=True, stdout=subprocess.DEVNULL)

    def start_in_network(self, command):
        """A program of the machine's, in the container's network."""
        return subprocess.Popen(["nsenter", "-t", self.leader, "-n", *command], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def property(self, unit, name):
        return self.run(f"systemctl show -P {name} {unit}").stdout.strip()

    def journal(self, unit="tickwire.service"):
        return self.run(f"journalctl --no-pager -o cat -u {unit}").stdout
