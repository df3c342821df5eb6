"""One bot on one WebSocket."""

import asyncio
import json

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import stage

WAIT_S = 30
GONE = (OSError, ConnectionClosed, InvalidStatus, EOFError, TimeoutError)


class Refused(Exception):
    """The hub did not let the bot in."""


class Bot:
    def __init__(self, name, url, token=None, **auth):
        self.name, self.url = name, url
        self.auth = {"token": token or stage.token(name), "caps": ["ack", "receipts"], **auth}
        self.socket = self.greeting = None

    async def __aenter__(self):
        self.socket = await connect(
            self.url, proxy=None, ping_interval=None, max_size=None, compression=None, open_timeout=WAIT_S, close_timeout=1,
        )
        await self.say(type="auth", **self.auth)
        self.greeting = await self.hear()
        if self.greeting["type"] != "auth_ok":
            await self.socket.close()
            raise Refused(self.greeting)
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def say(self, **frame):
        await self.socket.send(json.dumps(frame))

    async def hear(self, *kinds):
        """The next frame, or the next of these kinds or `error`."""
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), WAIT_S))
            if not kinds or frame["type"] in (*kinds, "error"):
                return frame

    async def ask(self, kind, **frame):
        await self.say(**frame)
        answer = await self.hear(kind)
        assert answer["type"] == kind, f"{frame} was answered with {answer}"
        return answer

    async def operate(self, **what):
        return (await self.ask("operated", type="operate", ref="x", do=what))["result"]

    async def log(self, room):
        """Everything that the hub has of a room, and what it says is damaged."""
        entries, damaged, after = [], [], 0
        while True:
            page = await self.ask("history", type="history", room=room, after=after, limit=1000)
            entries += page["entries"]
            damaged += page.get("corrupt") or []
            if not page["has_more"] or not page["entries"]:
                return entries, damaged
            after = page["entries"][-1]["seq"]
