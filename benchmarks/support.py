"""What the benchmarks share: a pool, a pretend fediverse, and their Redis and PostgreSQL.

Standard library only; traffic stays on loopback.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
DOMAIN = "social.fedi.localhost"


# `timeout` and service managers end a command so: what it has started is to be stopped then, too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def actor(name):
    return f"https://{DOMAIN}/users/{name}"


def key(name):
    return actor(name) + "#main-key"


def program(product="trunkline"):
    """A release build; or what the environment names, as TRUNKLINE_BINARY=FILE."""
    variable = f"{product.upper()}_BINARY"
    if variable in os.environ:
        return os.environ[variable]
    build = ["swift", "build", "-c", "release", "--product", product]
    subprocess.run(build, cwd=REPOSITORY, check=True)
    shown = subprocess.run(
        build + ["--show-bin-path"], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return f"{shown.stdout.strip()}/{product}"


def resized(activity, size):
    """The same without picture and linked-data signature, and with dots for its text."""
    document = json.loads(activity)
    document.pop("signature", None)
    document["object"].update(attachment=[], contentMap={}, content="")

    def written():
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    missing = size - len(written().encode())
    if missing < 0:
        raise SystemExit(f"an activity cannot be made as short as {size} bytes")
    document["object"]["content"] = "." * missing
    return written()


class Bench:
    """A sink, and a pool with embedded servers that delivers to it. A context manager."""

    def __init__(self, rules=(), flags=(), workers=1):
        self.trunkline = program()
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="trunkline.", dir="/tmp"))
        self.state.chmod(0o711)  # As root, PostgreSQL runs as another user and must get through.
        self.rules, self.flags = list(rules), [str(flag) for flag in flags]
        self.worker_count = workers
        self.processes = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)

    def start(self):
        state = self.state
        (state / "actors").mkdir()
        (state / "rules.json").write_text(json.dumps({"rules": self.rules}))
        ready = self.spawn(
            "sink", r"^ready https=(\d+) http=(\d+)", "--state-directory", state / "sink",
            "--actors", state / "actors", "--rules", state / "rules.json")
        self.ports = {"https": int(ready[1]), "http": int(ready[2])}
        self.spawn(
            "run", r"^ready$", "--embedded", "--state-directory", state / "pool",
            "--workers", self.worker_count, "--admin", "off", "--instance-domain", DOMAIN,
            "--ca-file", state / "sink/ca.pem", "--allow-address", "127.0.0.0/8", *self.flags)
        started = re.findall(r"worker started .*pid=(\d+)", self.log("run"))
        self.workers = [int(pid) for pid in started]
        self.redis = Redis(state / "pool/redis.sock")

    @property
    def worker(self):
        """Of a pool that has one."""
        [pid] = self.workers
        return pid

    def worker_memory(self, field="VmRSS"):
        status = pathlib.Path(f"/proc/{self.worker}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1_024

    def forget_worker_peak(self):
        """VmHWM starts anew."""
        pathlib.Path(f"/proc/{self.worker}/clear_refs").write_text("5")

    def worker_descriptors(self):
        """Its open connections and a dozen others."""
        return len(os.listdir(f"/proc/{self.worker}/fd"))

    def connections(self):
        """Open ones to the sink: by remote port and state, of which 01 is established."""
        wanted = f"{self.ports['https']:04X}"
        with open("/proc/net/tcp") as sockets:
            return sum(line.split()[2].endswith(":" + wanted) and line.split()[3] == "01"
                       for line in sockets)

    def add_actor(self, name, algorithm="rsa"):
        """Its private key lies in `NAME.pem` of the state directory."""
        pem = self.state / f"{name}.pem"
        kind = {"rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ed25519": ["ED25519"]}
        subprocess.run(["openssl", "genpkey", "-quiet", "-out", pem,
                        "-algorithm", *kind[algorithm]], check=True, capture_output=True)
        added = json.loads(
            self.command("keys", "add", "--key-id", key(name), "--pem", pem, "--json"))
        (self.state / f"actors/{name}.json").write_text(
            json.dumps({"keyId": key(name), "publicKeyPem": added["public_key_pem"]}))

    def activity(self, number, name="alice", size=None):
        """A Mastodon-shaped Create, of so many bytes if that is told: its file and its id."""
        template = (REPOSITORY / "deploy/activities/mastodon-create-note.json").read_text()
        values = {"instance": DOMAIN, "actor": actor(name), "number": str(number),
                  "published": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        for word, value in values.items():
            template = template.replace("{{" + word + "}}", value)
        if size:
            template = resized(template, size)
        file = self.state / "activity.json"
        file.write_text(template)
        return file, json.loads(template)["id"]

    def ask_sink(self, path, method="GET", body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['http']}/.sink/{path}", body, method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def set_rules(self, rules):
        """How hosts behave from here on."""
        self.ask_sink("rules", "PUT", json.dumps({"rules": rules}).encode())

    def pairs(self, activity=None):
        """What the sink has, of one activity or of all: a dict for each and each inbox."""
        query = urllib.parse.urlencode({"activity": activity} if activity else {})
        return [json.loads(line) for line in self.ask_sink(f"pairs?{query}").splitlines()]

    def report(self):
        """What the sink has counted since it was reset."""
        return json.loads(self.ask_sink("report"))

    def accepted(self):
        """How many deliveries it has taken."""
        return self.report()["accepted"]

    def spawn(self, command, pattern, *flags):
        with open(self.state / f"{command}.log", "w") as log:
            process = subprocess.Popen(
                [self.trunkline, command, *map(str, flags)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        self.processes.append(process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            found = re.search(pattern, self.log(command), re.MULTILINE)
            if found:
                return found
            time.sleep(0.1)
        raise SystemExit(f"trunkline {command} did not get ready:\n{self.log(command)}")

    def stop(self):
        # The pool before the sink: what is in flight gets its answer.
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, command):
        return (self.state / f"{command}.log").read_text()

    def command(self, *words):
        done = subprocess.run(
            [self.trunkline, *map(str, words), "--state-directory", str(self.state / "pool")],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"trunkline {words[0]}: {done.stderr}")
        return done.stdout

    def sql(self, statement):
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.state / "pool",
             "-d", "trunkline", "-c", statement],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"psql: {done.stderr}\n{self.log('run')[-2_000:]}")
        return done.stdout.strip()

    def length_of_logs(self):
        return sum(self.redis.call("XLEN", key) for key in self.redis.keys("*:log"))

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"waited 60 s for {what}")
            time.sleep(0.1)


class Redis:
    """The few commands asked here, on one connection that stays the same size."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")

    def call(self, *words):
        parts = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(
            b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self.reply()

    def reply(self):
        line = self.stream.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if text == b"-1" else self.stream.read(int(text) + 2)[:-2].decode()
        if kind == b"*":
            return [self.reply() for _ in range(int(text))]
        if kind == b"+":
            return text.decode()
        raise SystemExit(f"Redis: {text.decode()}")

    def used_memory(self):
        return int(re.search(r"used_memory:(\d+)", self.call("INFO", "memory"))[1])

    def keys(self, pattern):
        found, cursor = [], "0"
        while True:
            cursor, some = self.call("SCAN", cursor, "MATCH", pattern, "COUNT", 1_000)
            found += some
            if cursor == "0":
                return found

    def keys_by_kind(self):
        kinds = collections.defaultdict(lambda: (0, 0))
        for key in self.keys("*"):
            size = self.call("MEMORY", "USAGE", key, "SAMPLES", 0) or 0
            kind = re.sub(r"\d+", "N", key)
            kinds[kind] = (kinds[kind][0] + 1, kinds[kind][1] + size)
        return dict(kinds)


def note(text):
    print(text, file=sys.stderr, flush=True)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
