"""What the benchmarks of cost have in common: bursts to prepared inboxes, each delivery verified.

Standard library only; traffic stays on loopback.
"""

import itertools
import json
import os
import pathlib
import shutil
import time

from measuring import BODY, Cpu, Floor, Wire
from support import Bench, actor, key

# Seconds that a burst may take.
PATIENCE = 240


class Rig:
    """A pool, its sink, an actor and a load: all that a burst needs. A context manager.

    libcrypto signs, so that figures compare wherever they are taken.
    """

    def __init__(self, slots, delay, flags=(), workers=1, size=BODY):
        self.delay, self.size = delay, size
        self.bench = Bench(
            rules=[{"delay": delay}], workers=workers,
            flags=["--slots", slots, *signer_flags("libcrypto"), *flags])

    def __enter__(self):
        self.bench.__enter__()
        try:
            check_signer(self.bench, "libcrypto")
            self.bench.add_actor("alice")
            self.load = Load(self.bench, size=self.size)
            self.prepare()
        except BaseException:
            self.bench.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.bench.__exit__()

    def prepare(self):
        """What comes before anything is measured."""


class Load:
    """Bursts through a pool, or through a floor that has the same key, inboxes and bodies."""

    def __init__(self, bench, name="alice", size=BODY):
        self.bench, self.name, self.size = bench, name, size
        self.numbers = itertools.count(1)
        # Inboxes by the name of their audience, and what was sent since the sink was reset: the id of
        # each activity and its inboxes.
        self.audiences, self.sent = {}, []

    def inboxes(self, hosts):
        """One on each host."""
        return [f"https://h{number}.fedi.localhost:{self.bench.ports['https']}/users/bob/inbox"
                for number in range(1, hosts + 1)]

    def follow(self, hosts, audience="followers", first=1, users=("bob",), port=None):
        """What `inboxes` gives, as an audience; or those of later hosts, other users, elsewhere."""
        port = port or self.bench.ports["https"]
        self.audiences.setdefault(audience, []).extend(
            f"https://h{number}.fedi.localhost:{port}/users/{name}/inbox"
            for number in range(first, first + hosts) for name in users)
        self.bench.sql(f"""
            insert into trunkline.follower (audience, inbox)
            select '{actor(self.name)}/{audience}', format(
                'https://h%s.fedi.localhost:{port}/users/%s/inbox', number, name)
            from generate_series({first}, {first + hosts - 1}) number,
                unnest(string_to_array('{",".join(users)}', ',')) name""")

    def bodies(self, count):
        """Files, each an activity of its own."""
        files = []
        for number in itertools.islice(self.numbers, count):
            file, _ = self.bench.activity(number, self.name, self.size)
            files.append(shutil.copy(file, self.bench.state / f"body.{number}"))
        return files

    def enqueue_to_all(self, file, audience="followers", lane="normal"):
        self.enqueue(file, self.audiences[audience], "audience",
                     f"{actor(self.name)}/{audience}", lane)

    def enqueue_to(self, file, inbox, lane="normal"):
        self.enqueue(file, [inbox], "to", json.dumps([inbox]), lane)

    def enqueue(self, file, inboxes, field, value, lane):
        text = file.read_text()
        self.note_sent(text, inboxes)
        self.bench.redis.call("XADD", f"trunkline:{{intake}}:{lane}", "*", "activity", text,
                              "key", key(self.name), field, value)

    def note_sent(self, text, inboxes):
        self.sent.append((json.loads(text)["id"], inboxes))

    def fan_out(self, count, hosts):
        """So many activities to an audience of so many; what that took."""
        return self.fan_outs(["followers"] * count, hosts)

    def fan_outs(self, audiences, hosts):
        """An activity to each audience, of so many."""
        files = self.bodies(len(audiences))
        return self.burst(len(files) * hosts, lambda: [
            self.enqueue_to_all(file, audience) for file, audience in zip(files, audiences)])

    def singles(self, inboxes):
        """An activity of its own to each inbox; what that took."""
        files = self.bodies(len(inboxes))
        return self.burst(len(inboxes), lambda: [
            self.enqueue_to(file, inbox) for file, inbox in zip(files, inboxes)])

    def burst(self, count, enqueue):
        self.rest()
        supervisor = self.bench.processes[1].pid
        connections = self.connections()
        before, begun, most = Cpu(supervisor), time.monotonic(), 0
        enqueue()
        while (report := self.bench.report())["accepted"] < count:
            most = max(most, report["requests"] - report["accepted"])
            if time.monotonic() - begun > PATIENCE:
                raise SystemExit(f"after {PATIENCE} s only {report['accepted']:,} of {count:,} "
                                 f"arrived:\n{self.bench.log('run')[-2_000:]}")
            time.sleep(0.1)
        seconds = time.monotonic() - begun
        # Recorded and resolved, too: that is part of a delivery.
        self.bench.wait_until(lambda: self.bench.length_of_logs() == 0, "the log to be empty")
        used = Cpu(supervisor) - before
        self.verify(count)
        return Burst(count, seconds, used["trunkline"], used["redis-server"], used["postgres"],
                     self.connections() - connections, most)

    def post(self, floor, count, hosts):
        """The same as `fan_out`, by the floor."""
        files = self.bodies(count)
        self.reset()
        for file in files:
            self.note_sent(file.read_text(), self.audiences["followers"])
        done = floor.post(files)
        self.verify(count * hosts)
        return Burst(done["deliveries"], done["wallMicroseconds"] / 1e6,
                     done["cpuMicroseconds"] / 1e6, 0, 0, done["connects"], done["mostInFlight"])

    def rest(self):
        self.bench.wait_until(lambda: self.bench.length_of_logs() == 0, "the log to be empty")
        self.reset()

    def reset(self):
        self.bench.ask_sink("reset", "POST")
        self.sent = []

    def connections(self):
        return self.bench.report()["tls"]["total"]

    def verify(self, count):
        """Each inbox took each activity, once, with a signature that holds; nothing else came."""
        report = self.bench.report()
        found = {name: report[name] for name in ["requests", "accepted", "pairs"]}
        if set(found.values()) != {count} or report["duplicates"] or report["badSignatures"]:
            raise SystemExit(f"{count:,} deliveries were asked for; the sink has {report}")
        due = {(activity, inbox) for activity, inboxes in self.sent for inbox in inboxes}
        taken = self.taken()
        self.compare(due - taken, "asked for, and did not come")
        self.compare(taken - due, "not asked for, and came")

    def verify_none_wrong(self):
        """As `verify`, while some are still to come."""
        report = self.bench.report()
        if report["duplicates"] or report["badSignatures"] or report["refused"]:
            raise SystemExit(f"the sink has {report}")
        due = {activity: set(inboxes) for activity, inboxes in self.sent}
        self.compare([pair for pair in self.taken() if pair[1] not in due.get(pair[0], ())],
                     "not asked for, and came")

    def taken(self):
        return {(pair["activity"], pair["inbox"]) for pair in self.bench.pairs()}

    def compare(self, pairs, what):
        if pairs:
            raise SystemExit(f"{len(pairs):,} deliveries were {what}: {next(iter(pairs))} is one")

    def user_agent(self):
        """Has pool and floor post one activity to a port that keeps what comes, and compares.

        They must send the same bytes, but for the time and the signature over it.
        """
        with Wire() as wire:
            inbox = f"http://h1.fedi.localhost:{wire.port}/users/bob/inbox"
            [file] = self.bodies(1)
            self.enqueue_to(file, inbox)
            [ours] = wire.taken(1)
            agent = ours.split(b"User-Agent: ")[1].split(b"\r\n")[0].decode()
            with Floor(self.bench, [inbox], agent, self.name, slots=1) as floor:
                floor.post([file])
                theirs = wire.taken(2)[1]
        if ours != theirs:
            raise SystemExit(f"the floor does not send the same bytes: {theirs}, not {ours}")
        self.rest()
        return agent


def signer_flags(signer):
    """`crypto_mb` is the library that `deploy/crypto-mb` makes, or that CRYPTO_MB_LIBRARY names."""
    if signer == "libcrypto":
        return ["--crypto-mb", "off"]
    return ["--crypto-mb", os.environ.get("CRYPTO_MB_LIBRARY", "auto")]


def check_signer(bench, signer):
    for worker in bench.workers:
        maps = pathlib.Path(f"/proc/{worker}/maps").read_text()
        if ("libcrypto_mb" in maps) != (signer == "crypto_mb"):
            raise SystemExit(
                f"the worker does not sign with {signer}:\n{bench.log('run')[-2_000:]}")


class Burst:
    """Seconds of CPU and of time for so many deliveries."""

    def __init__(self, count, seconds, cpu, redis, postgres, connects, most=None):
        self.count, self.seconds, self.cpu, self.most = count, seconds, cpu, most
        self.redis, self.postgres, self.connects = redis, postgres, connects

    def each(self, seconds=None):
        """Microseconds a delivery."""
        return (self.cpu if seconds is None else seconds) / self.count * 1e6

    @property
    def servers(self):
        return self.redis + self.postgres

    @property
    def figures(self):
        return {"deliveries": self.count, "seconds": self.seconds, "cpuMicroseconds": self.each(),
                "redisMicroseconds": self.each(self.redis),
                "postgresMicroseconds": self.each(self.postgres), "connections": self.connects,
                "mostAtOnce": self.most}
