"""The records of runs, a JSON line each, appended as they come: a run that was stopped goes on where it was."""
import json
import os
import platform
import re
import subprocess

from suite.analysis import quality_of
from suite.subjects import PEERS, SOURCE


def first_line_of(*command):
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    except OSError:
        return ""
    return lines[0].strip() if lines else ""


def package_version(name):
    try:
        with open(PEERS / "node_modules" / name / "package.json", encoding="utf-8") as file:
            return json.load(file)["version"]
    except OSError:
        return ""


def debian_version(name):
    return first_line_of("dpkg-query", "-W", "-f=${Version}\n", name)


def describe_machine(congestion_control, nice):
    """What belongs to each figure."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    changed = first_line_of("git", "-C", str(SOURCE), "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": first_line_of("git", "-C", str(SOURCE), "rev-parse", "--short=12", "HEAD") + ("+" if changed else ""),
        "cpu": model.group(1) if model else platform.machine(), "cpus": os.cpu_count(), "kernel": platform.release(),
        "compiler": first_line_of("g++", "--version"), "congestion_control": congestion_control,
        "nice": nice,
        "versions": {
            "bun": package_version("bun"), "ws": package_version("ws"), "socket.io": package_version("socket.io"),
            "colyseus": package_version("@colyseus/core"), "node": package_version("node"),
            "beast": debian_version("libboost-dev"), "libwebsockets": debian_version("libwebsockets-dev"),
            "liburing": debian_version("liburing-dev"), "openssl": debian_version("libssl-dev"),
        },
    }


class Results:
    """Invariant: the first line of the file is the machine that all others belong to."""

    def __init__(self, path, machine, extent, is_report=False):
        """`is_report`: what is there is only read, whatever has changed since."""
        self.path = path
        self.machine = machine
        self.records = []
        head = {"machine": machine, "extent": extent}
        if path.exists():
            text = path.read_text(encoding="utf-8")
            whole = text[:text.rfind("\n") + 1]  # a run may have been cut off in the middle of a line
            lines = [json.loads(line) for line in whole.splitlines()]
            if lines and (lines[0] == head or is_report):
                self.machine = lines[0]["machine"]
                self.records = lines[1:]
                if whole != text and not is_report:
                    path.write_text(whole, encoding="utf-8")
                return
            path.rename(path.with_suffix(".before.jsonl"))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.append(head)

    def append(self, line):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def add(self, record):
        self.records.append(record)
        self.append(record)

    def done(self, key, repetition):
        """Whether it has been run and counts, or often enough: a disturbed run is tried again once, a void or failed
        one twice."""
        tries = [quality_of(record) for record in self.records if (record["key"], record["repetition"]) == (key, repetition)]
        return "clean" in tries or len(tries) >= (2 if "disturbed" in tries else 3)
