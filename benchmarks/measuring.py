"""What the benchmarks of cost share: CPU by process, the floor, one request as it is on the wire,
and goals with what was measured beside them.

Standard library only; traffic stays on loopback.
"""

import json
import os
import pathlib
import platform
import re
import socket
import statistics
import subprocess
import threading
import time

from support import REPOSITORY, key, program

# Bodies of the numbers.
BODY = 3_072

# A second, as /proc tells it.
TICKS = os.sysconf("SC_CLK_TCK")


class Cpu:
    """Seconds of CPU that the processes of a pool have used, by program: what ended counts too."""

    SERVERS = ["redis-server", "postgres"]

    def __init__(self, supervisor):
        self.seconds = dict.fromkeys(["trunkline", *self.SERVERS], 0)
        for pid in family(supervisor):
            try:
                name, used, of_the_dead = self.process(pid)
            except OSError:
                continue  # Its parent counts it from now on.
            # A worker is started from /proc/self/exe, which gives it another name.
            self.seconds[name if name in self.SERVERS else "trunkline"] += used + of_the_dead

    def __sub__(self, other):
        """By program, in seconds."""
        return {name: used - other.seconds[name] for name, used in self.seconds.items()}

    @staticmethod
    def process(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
        name = fields[fields.index("(") + 1:fields.rindex(")")]
        fields = fields[fields.rindex(")") + 2:].split()
        of_the_dead = (int(fields[13]) + int(fields[14])) / TICKS
        return name, seconds_of(pid), of_the_dead


class Cores:
    """What some processes have had of some cores: what they used, and what nobody did."""

    def __init__(self, processes, cores):
        self.count = len(cores)
        self.used = sum(seconds_of(pid) for pid in processes)
        self.idle = sum(self.idle_seconds(core) for core in cores)
        self.at = time.monotonic()

    def share_since(self, before):
        """1 where nobody else has used these cores."""
        had = self.used - before.used + self.idle - before.idle
        return had / (self.count * (self.at - before.at))

    @staticmethod
    def idle_seconds(core):
        found = re.search(rf"(?m)^cpu{core} (.*)$", pathlib.Path("/proc/stat").read_text())
        fields = found[1].split()
        return (int(fields[3]) + int(fields[4])) / TICKS


def seconds_of(pid):
    """The clock of a process, threads that ended included: to the nanosecond, unlike stat."""
    return time.clock_gettime(~pid << 3 | 2)


def family(root):
    """A process and all that descend from it."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        parent = int(text[text.rindex(")") + 2:].split()[1])
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def pin(pid, cores):
    """All threads of a process stay on some cores, and what it starts from now on."""
    for thread in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            os.sched_setaffinity(int(thread.name), cores)
        except ProcessLookupError:
            continue  # It has ended meanwhile.


class Floor:
    """The program of `Floor/`, which posts the same bytes to the same inboxes. A context manager.

    `bodies` of a pass are files; what a pass took comes back as the program says it.
    """

    def __init__(self, bench, inboxes, user_agent, name="alice", slots=1_000):
        listed = bench.state / f"inboxes.{id(self)}"
        listed.write_text("\n".join(inboxes) + "\n")
        self.process = subprocess.Popen(
            [program("floor"), "--inboxes", listed, "--pem", bench.state / f"{name}.pem",
             "--key-id", key(name), "--user-agent", user_agent,
             "--ca", bench.state / "sink/ca.pem", "--slots", str(slots)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()

    def post(self, files):
        self.process.stdin.write(" ".join(map(str, files)) + "\n")
        self.process.stdin.flush()
        return json.loads(self.answer())

    def answer(self):
        overdue = threading.Timer(240, self.process.kill)
        overdue.start()
        line = self.process.stdout.readline()
        overdue.cancel()
        if not line:
            raise SystemExit("the floor ended, or had nothing to say for 240 s")
        return line


class Wire:
    """A port for plain HTTP on which requests are kept as they came. A context manager."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests = []
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        try:
            while True:
                connection, _ = self.listener.accept()
                self.requests.append(self.read(connection))
                connection.close()
        except OSError:
            return  # Closed.

    @staticmethod
    def read(connection):
        connection.settimeout(10)
        request, size = b"", None
        while size is None or len(request) < size:
            request += connection.recv(65_536)
            if size is None and b"\r\n\r\n" in request:
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", request)
                size = request.index(b"\r\n\r\n") + 4 + int(length[1])
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n"
                           b"Connection: close\r\n\r\n")
        return request

    def taken(self, count):
        """All requests, once there are so many: without what differs from second to second."""
        deadline = time.monotonic() + 30
        while len(self.requests) < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"waited 30 s for request {count}")
            time.sleep(0.05)
        return [re.sub(rb'(?m)^(Date: )[^\r]*|(,signature=")[^"]*', rb"\1\2", request)
                for request in self.requests]


class Goals:
    """What was measured, with its goal beside it."""

    def __init__(self):
        self.results = []

    def judge(self, name, value, goal, at_least=False, unit=""):
        """The median of some quotients of pairs of runs, or one value."""
        values = value if isinstance(value, list) else [value]
        median = statistics.median(values)
        is_met = median >= goal if at_least else median <= goal
        self.results.append({"name": name, "value": median, "values": values, "goal": goal,
                             "relation": ">=" if at_least else "<=", "met": is_met})
        spread = f"   ({min(values):,.3f} to {max(values):,.3f})" if len(values) > 1 else ""
        print(f"{name:<58} {median:>9,.3f} {unit:<2} goal {'>=' if at_least else '<='} {goal:<6,} "
              f"{'met' if is_met else 'MISSED'}{spread}", flush=True)

    @property
    def are_met(self):
        return all(result["met"] for result in self.results)

    def write(self, options, command, **details):
        """What a later reader needs to know whether figures compare, into the file of `--json`."""
        if options.json is None:
            return
        given = {name: value for name, value in vars(options).items() if name != "json"}
        described = {"command": command, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                     "machine": machine(), "commit": commit(), "versions": versions(),
                     "goals": self.results, "options": given, **details}
        pathlib.Path(options.json).write_text(json.dumps(described, indent=2) + "\n")


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*: (.*)$", text, re.MULTILINE)[1].split()
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]
    system = re.search('PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())[1]
    return {"processor": re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)[1],
            "processors": os.cpu_count(), "avx512ifma": "avx512ifma" in flags,
            "memory": f"{int(memory) // 1_000_000} GB", "system": system,
            "kernel": platform.release()}


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=REPOSITORY,
                          capture_output=True, text=True)
    return done.stdout.strip() or None


def versions():
    asked = {"openssl": ["openssl", "version"], "redis": ["redis-server", "--version"],
             "postgresql": ["postgres", "--version"], "swift": ["swift", "--version"],
             "curl": ["curl", "--version"]}
    found = {}
    for name, words in asked.items():
        try:
            said = subprocess.run(words, capture_output=True, text=True, timeout=20).stdout
            found[name] = said.splitlines()[0].strip()
        except (OSError, IndexError):
            found[name] = None
    return found
