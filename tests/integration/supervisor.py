#!/usr/bin/env python3
"""A service manager in small: what systemd does for tickwire.service and its sockets, without systemd.

    supervisor.py RELAY ARGUMENT...

Holds the listening sockets, keeps descriptors that the relay stores (FDSTORE=1), and hands both to the next
process (LISTEN_FDS, LISTEN_FDNAMES). Says what happens as JSON, one line each, on standard output; the relay's
log goes to standard error. Reads commands from standard input:

    start [ARGUMENT...]     the relay, with more arguments
    signal NAME             to the relay
    break HOW               the stored state: cut, flip, version, foreign, unsealed or empty
"""
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

STATE = "tickwire-state"
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def listening_socket():
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.set_inheritable(True)
    return listener


def memory_file(data, seals):
    descriptor = os.memfd_create(STATE, os.MFD_ALLOW_SEALING)
    os.write(descriptor, data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


class Supervisor:
    def __init__(self, command):
        self.command = command
        self.sockets = {"plain": listening_socket(), "tls": listening_socket()}
        self.store = {}
        self.process = None
        self.folder = tempfile.TemporaryDirectory(prefix="tickwire-supervisor-")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.folder.name, "notify"))
        say("listening", **{name: one.getsockname()[1] for name, one in self.sockets.items()})

    def start(self, arguments):
        names = [*self.sockets, *self.store]
        held = [*(one.fileno() for one in self.sockets.values()), *self.store.values()]

        def arrange():  # copies first, out of the way of the places they go to
            copies = [fcntl.fcntl(one, fcntl.F_DUPFD, 100) for one in held]
            for place, copy in enumerate(copies, 3):
                os.dup2(copy, place, inheritable=True)
                os.close(copy)

        environment = {**os.environ, "LISTEN_FDS": str(len(held)), "LISTEN_FDNAMES": ":".join(names),
                       "NOTIFY_SOCKET": self.notify.getsockname()}
        shell = ["/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh"]
        self.process = subprocess.Popen([*shell, *self.command, *arguments], env=environment, preexec_fn=arrange,
                                        pass_fds=range(3, 3 + len(held)), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        threading.Thread(target=self.watch, args=(self.process,), daemon=True).start()

    def watch(self, process):
        code = process.wait()
        say("ended", code=code, at=time.monotonic())

    def take_notification(self):
        data, descriptors, _, _ = socket.recv_fds(self.notify, 65536, 16)
        fields = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
        if fields.get("FDSTORE") == "1":
            for descriptor in descriptors:
                self.store[fields["FDNAME"]] = descriptor
                say("stored", name=fields["FDNAME"], size=os.fstat(descriptor).st_size,
                    sealed=fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) == SEALS)
            descriptors = []
        if fields.get("FDSTOREREMOVE") == "1" and fields["FDNAME"] in self.store:
            os.close(self.store.pop(fields["FDNAME"]))
            say("removed", name=fields["FDNAME"])
        for descriptor in descriptors:  # BARRIER=1: closing it is the answer
            os.close(descriptor)
        for word in ("READY", "STOPPING"):
            if fields.get(word) == "1":
                say(word.lower(), at=time.monotonic())

    def spoil(self, how):
        descriptor = self.store.pop(STATE)
        data = bytearray(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
        os.close(descriptor)
        if how == "cut":
            data = data[:-7]
        elif how == "flip":
            data[-100] ^= 1
        elif how == "version":
            data[8] += 1
        elif how == "foreign":
            data = bytearray(b"#!/bin/sh\n" * 100)
        elif how == "empty":
            data = bytearray()
        self.store[STATE] = memory_file(bytes(data), SEALS if how != "unsealed" else fcntl.F_SEAL_SHRINK)

    def obey(self, line):
        command, *words = line.split()
        if command == "start":
            self.start(words)
        elif command == "signal":
            say("signalled", at=time.monotonic())
            self.process.send_signal(getattr(signal, words[0]))
        elif command == "break":
            self.spoil(words[0])

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.notify, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is self.notify:
                    self.take_notification()
                    continue
                line = os.read(0, 4096).decode()  # the test waits for each command's answer
                if not line:
                    return
                for one in line.splitlines():
                    self.obey(one)


if __name__ == "__main__":
    supervisor = Supervisor(sys.argv[1:])
    try:
        supervisor.run()
    finally:
        if supervisor.process is not None and supervisor.process.poll() is None:
            supervisor.process.kill()
