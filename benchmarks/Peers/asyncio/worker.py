"""Delivers with one asyncio process: jobs from a Redis list, signed with `cryptography`, posted with
aiohttp over connections that are kept. The key is parsed once, jobs come a hundred at a time.
"""

import asyncio
import base64
import email.utils
import hashlib
import json
import os
import socket
import ssl
import urllib.parse

import aiohttp
import redis.asyncio
from aiohttp.abc import AbstractResolver
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

IN_FLIGHT = 1_000
BATCH = 100
SIGNED = "(request-target) host date digest"


class Loopback(AbstractResolver):
    """The names of the pretend fediverse, which the system's resolver does not know."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET,
                 "proto": 0, "flags": 0}]

    async def close(self):
        pass


class Worker:
    def __init__(self, session, queue):
        self.session, self.queue = session, queue
        with open(os.environ["PEER_PEM"], "rb") as pem:
            self.key = serialization.load_pem_private_key(pem.read(), None)
        self.free = asyncio.Semaphore(IN_FLIGHT)
        self.tasks = set()

    async def run(self):
        while True:
            first = await self.queue.brpop("queue:push", 2)
            if first is None:
                continue
            for job in [first[1], *(await self.queue.rpop("queue:push", BATCH) or [])]:
                await self.free.acquire()
                task = asyncio.create_task(self.deliver(job))
                self.tasks.add(task)
                task.add_done_callback(self.done)

    def done(self, task):
        self.tasks.discard(task)
        self.free.release()
        task.result()

    async def deliver(self, job):
        body, _, inbox, *_ = json.loads(job)["args"]
        body = body.encode()
        async with self.session.post(inbox, data=body, headers=self.headers(inbox, body)) as answer:
            await answer.read()
            answer.raise_for_status()

    def headers(self, inbox, body):
        url = urllib.parse.urlsplit(inbox)
        date = email.utils.formatdate(usegmt=True)
        digest = "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
        text = (f"(request-target): post {url.path}\nhost: {url.netloc}\ndate: {date}\n"
                f"digest: {digest}")
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {"Date": date, "Digest": digest, "Content-Type": "application/activity+json",
                "Signature": f'keyId="{os.environ["PEER_KEY_ID"]}",algorithm="rsa-sha256",'
                             f'headers="{SIGNED}",'
                             f'signature="{base64.b64encode(signature).decode()}"'}


async def main():
    authorities = ssl.create_default_context(cafile=os.environ["PEER_CA"])
    connector = aiohttp.TCPConnector(
        limit=0, resolver=Loopback(), ssl=authorities, keepalive_timeout=110)
    queue = redis.asyncio.Redis(unix_socket_path=os.environ["PEER_REDIS"])
    async with aiohttp.ClientSession(connector=connector) as session:
        await Worker(session, queue).run()


if __name__ == "__main__":
    asyncio.run(main())
