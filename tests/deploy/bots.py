"""Bots for the proxy tests: they reconnect, say again what was not acknowledged, and take what they missed."""

import asyncio
import json
import random

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ROOM = "marlbot-pelouse"
WAIT_S = 20
FRAME_BYTES_MAX = 1 << 20


def open_socket(url, context=None, source=None, headers=None, **more):
    """One WebSocket, without anything that would keep it alive from our side."""
    return connect(
        url,
        ssl=context,
        proxy=None,
        local_addr=(source, 0) if source else None,
        additional_headers=headers,
        ping_interval=None,
        max_size=FRAME_BYTES_MAX,
        compression=None,
        open_timeout=WAIT_S,
        close_timeout=1,
        **more,
    )


async def say(socket, **frame):
    await socket.send(json.dumps(frame))


async def hear(socket, kind):
    """The next frame of a kind; what comes before is passed over."""
    while True:
        frame = json.loads(await asyncio.wait_for(socket.recv(), WAIT_S))
        if frame["type"] == kind:
            return frame
        assert frame["type"] != "error", frame


async def enter(socket, bot, room=ROOM):
    await say(socket, type="auth", token=f"token-for-{bot}", caps=["ack"])
    await hear(socket, "auth_ok")
    await say(socket, type="join", room=room)
    await hear(socket, "joined")


async def verdict(url, token, **options):
    """What becomes of somebody who connects with a token: `auth_ok`, the name of a refusal, or a status."""
    try:
        async with open_socket(url, **options) as socket:
            await say(socket, type="auth", token=token)
            frame = json.loads(await asyncio.wait_for(socket.recv(), WAIT_S))
            return frame.get("name", frame["type"])
    except InvalidStatus as refused:
        return refused.response.status_code


async def open_when_free(url, **options):
    """A socket, once those that were closed just now are not counted any more."""
    while True:
        try:
            return await open_socket(url, **options)
        except InvalidStatus as refused:
            if refused.response.status_code != 429:
                raise
            await asyncio.sleep(0.05)


class Tireless:
    """A bot that comes back whenever its connection ends."""

    def __init__(self, bot, url, context):
        self.bot, self.url, self.context = bot, url, context
        self.connects = 0
        self.task = None
        self.is_in = asyncio.Event()

    async def __aenter__(self):
        self.task = asyncio.ensure_future(self._live())
        await asyncio.wait_for(self.is_in.wait(), WAIT_S)
        return self

    async def __aexit__(self, *_):
        # Once is not enough: before Python 3.12, `wait_for` loses a cancellation that comes with the answer.
        while not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task], timeout=0.1)

    async def _live(self):
        while True:
            try:
                async with open_socket(self.url, self.context) as socket:
                    await enter(socket, self.bot)
                    self.connects += 1
                    self.is_in.set()
                    await self.serve(socket)
            except (OSError, ConnectionClosed, InvalidStatus, EOFError, TimeoutError):
                pass
            self.is_in.clear()
            await asyncio.sleep(random.uniform(0.05, 0.15))


class Writer(Tireless):
    """Numbers messages, and says each again until it is acknowledged."""

    def __init__(self, *where):
        super().__init__(*where)
        self.acknowledged = 0

    async def serve(self, socket):
        while True:
            number = self.acknowledged + 1
            await say(socket, type="message", room=ROOM, text=f"message {number}", id=f"m-{number}")
            ack = await hear(socket, "ack")
            assert ack["id"] == f"m-{number}", ack
            self.acknowledged = number
            await asyncio.sleep(0.01)

    async def until(self, acknowledged):
        while self.acknowledged < acknowledged:
            assert not self.task.done(), self.task
            await asyncio.sleep(0.02)


class Reader(Tireless):
    """Takes messages and acknowledges them."""

    def __init__(self, *where):
        super().__init__(*where)
        self.got, self.known = [], set()

    async def serve(self, socket):
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] != "message":
                continue
            if frame["id"] not in self.known:
                self.known.add(frame["id"])
                self.got.append(frame["id"])
            await say(socket, type="receipt", room=ROOM, seq=frame["seq"], state="received")

    async def until(self, count):
        while len(self.got) < count:
            assert not self.task.done(), self.task
            await asyncio.sleep(0.02)
