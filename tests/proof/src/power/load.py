"""What happens on a hub while its drive is recorded.

Four bots talk in two rooms and with one another, say some things twice, and report what they read. One bot reads and never
reports. An operator makes rooms, bots and tokens, changes what a room keeps, and has the configuration read again; backups
are made on the same drive. The hub is stopped or killed in between and starts again. Everything that is said or told is
written down in the `Book`.
"""

import asyncio
import json
import os
import signal
import time
from subprocess import DEVNULL

import stage
import wire

TALKERS = ["ana", "bo", "cy", "di"]
SILENT = "mute"
OPERATOR = "root"
# `short` keeps so many entries, or twice as many: the operator changes its mind all the time.
SHORT_KEEPS = 60
ROOMS = ["lab", "short"]
# How many messages of one bot are under way.
WINDOW = 6
# A life of the hub lasts until so many messages are acknowledged, or, on a machine that has no time, so long.
LIFE_ACKS = 800
LIFE_S = 40


class Talker:
    """One bot: it goes on where it was after each start of the hub."""

    def __init__(self, name, book, chance):
        self.name, self.book, self.chance = name, book, chance
        self.number = 0
        self.open, self.done = {}, []
        self.unreported = {}
        self.seen = set()

    def rooms(self):
        return ["lab"] if self.name == SILENT else ROOMS

    async def live(self, url, stop):
        """Until `stop`, or until the hub is gone."""
        try:
            async with wire.Bot(self.name, url) as bot:
                self.book.note("epochs", bot.greeting["epoch"])
                for room in self.rooms():
                    await bot.say(type="join", room=room)
                for frame in list(self.open.values()):
                    await bot.say(**frame)
                tasks = [asyncio.ensure_future(self.read(bot)), asyncio.ensure_future(self.write(bot, stop))]
                try:
                    await asyncio.wait([*tasks, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
                    await self.settle(stop)
                finally:
                    for task in tasks:
                        task.cancel()
                    for end in await asyncio.gather(*tasks, return_exceptions=True):
                        if isinstance(end, AssertionError):
                            raise end
        except wire.GONE:
            pass

    async def settle(self, stop):
        for _ in range(100):
            if stop.is_set() and self.open:
                await asyncio.sleep(0.01)

    async def write(self, bot, stop):
        if self.name == SILENT:
            await stop.wait()
        while not stop.is_set():
            if len(self.open) < WINDOW:
                frame = self.repeated() or self.another()
                await bot.say(**frame)
            await asyncio.sleep(self.chance.uniform(0, 0.02))

    def repeated(self):
        """Sometimes what was acknowledged a moment ago."""
        return self.chance.choice(self.done) if self.done and self.chance.random() < 0.03 else None

    def another(self):
        self.number += 1
        identity = f"{self.name}-{self.number}"
        text = f"{identity} " + "x" * self.chance.choice([10, 100, 1000, 6000])
        other = self.chance.choice([name for name in TALKERS if name != self.name])
        where = self.chance.choice([{"room": "lab"}, {"room": "short"}, {"to": other}])
        frame = {"type": "message", "id": identity, "text": text, **where}
        room = where.get("room") or f"dm:{':'.join(sorted([self.name, other]))}"
        self.book.note("said", self.name, room, self.number, frame)
        self.open[identity] = frame
        return frame

    async def read(self, bot):
        # Not `bot.hear`: before Python 3.12, `wait_for` loses a cancellation that comes with the answer.
        async for text in bot.socket:
            frame = json.loads(text)
            await getattr(self, "on_" + frame["type"], self.on_other)(bot, frame)

    async def on_other(self, bot, frame):
        assert frame["type"] != "error", f"{self.name} was refused: {frame}"

    async def on_ack(self, bot, frame):
        self.book.note("acked", self.name, frame["id"], frame["room"], frame["seq"])
        if said := self.open.pop(frame["id"], None):
            self.done = [*self.done[-10:], said]

    async def on_receipt(self, bot, frame):
        self.book.note("told", self.name, frame["id"], frame["bot"], frame["state"])

    async def on_message(self, bot, frame):
        room, seq = frame["room"], frame["seq"]
        self.book.note("seen", self.name, room, seq, frame["id"], frame["from"])
        if self.name == SILENT:
            return
        self.unreported.setdefault(room, []).append(frame)
        if len(self.unreported[room]) >= self.chance.choice([1, 1, 3, 8]):
            await self.report(bot, room, self.unreported.pop(room))

    async def report(self, bot, room, frames):
        last = frames[-1]
        self.book.note("reported", self.name, room, last["seq"], last["id"], last["from"], "received")
        await bot.say(type="receipt", room=room, seq=last["seq"], state="received")
        if self.chance.random() < 0.3:
            for state in ("started", "done"):
                self.book.note("reported", self.name, room, last["seq"], last["id"], last["from"], state)
                await bot.say(type="receipt", room=room, id=last["id"], seq=last["seq"], **{"from": last["from"]}, state=state)


class Operator:
    """Administration, one thing after another. `made` counts over all phases, so that names are new."""

    def __init__(self, hub, mount, book, chance):
        self.hub, self.mount, self.book, self.chance = hub, mount, book, chance
        self.made = 0
        self.tokens = {}

    async def live(self, stop):
        try:
            async with wire.Bot(OPERATOR, self.hub.url, side=True) as bot:
                while not stop.is_set():
                    self.made += 1
                    await self.chance.choice([self.room, self.retain, self.add, self.rotate, self.reload, self.backup])(bot)
                    await asyncio.sleep(self.chance.uniform(0, 0.1))
        except wire.GONE:
            pass

    async def room(self, bot):
        room = f"room-{self.made}"
        await bot.operate(room_create={"room": room})
        self.book.note("rooms", room)

    async def retain(self, bot):
        await bot.operate(room_retain={"room": "short", "retain": {"entries": SHORT_KEEPS * self.chance.choice([1, 2])}})

    async def add(self, bot):
        name = f"guest-{self.made}"
        made = await bot.operate(bot_add={"bot": name})
        self.tokens[name] = made["token"]
        self.book.note("tokens", name, made["token"])

    async def rotate(self, bot):
        if self.tokens:
            name = self.chance.choice(sorted(self.tokens))
            began = self.book.now()
            made = await bot.operate(bot_rotate_token={"bot": name})
            self.book.note("revoked", name, self.tokens[name], began)
            self.book.note("tokens", name, made["token"])
            self.tokens[name] = made["token"]

    async def reload(self, bot):
        stage.configure(self.hub.home, [*TALKERS, SILENT, f"reloaded-{self.made}"], [OPERATOR])
        self.hub.process.send_signal(signal.SIGHUP)

    async def backup(self, bot):
        folder = os.path.join(self.mount, "backups")
        os.makedirs(folder, exist_ok=True)
        name, began = f"copy-{self.made % 3}.db", self.book.now()
        words = self.hub.words("backup", os.path.join(folder, name))
        process = await asyncio.create_subprocess_exec(*words, env=self.hub.environment, stdout=DEVNULL, stderr=DEVNULL)
        if await process.wait() == 0:
            self.book.note("backups", name, began)


async def prepare(hub, book):
    async with wire.Bot(OPERATOR, hub.url, side=True) as bot:
        for room in ROOMS:
            await bot.operate(room_create={"room": room})
            book.note("rooms", room)
        for name in [*TALKERS, SILENT]:
            for room in ["lab"] if name == SILENT else ROOMS:
                await bot.operate(room_add={"room": room, "bot": name})
        await bot.operate(room_retain={"room": "short", "retain": {"entries": SHORT_KEEPS}})


async def phase(hub, talkers, operator, end):
    """A life of the hub, until it is over. A kill comes in the middle of what is under way; before a stop the bots finish."""
    stop = asyncio.Event()
    lives = [talker.live(hub.url, stop) for talker in talkers] + [operator.live(stop)]
    tasks = [asyncio.ensure_future(life) for life in lives]
    enough, deadline = len(talkers[0].book.acked) + LIFE_ACKS, time.monotonic() + LIFE_S
    while len(talkers[0].book.acked) < enough and time.monotonic() < deadline and not any(task.done() for task in tasks):
        await asyncio.sleep(0.01)
    if end == signal.SIGKILL:
        hub.end(end)
    stop.set()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
    hub.end(end)


async def record(hub, mount, book, chance, end_in_between):
    """The whole run: two lives of a hub. The second one ends in peace."""
    talkers = [Talker(name, book, chance) for name in [*TALKERS, SILENT]]
    operator = Operator(hub, mount, book, chance)
    for life in (0, 1):
        hub.start()
        book.note("ready", life)
        if life == 0:
            await prepare(hub, book)
        await phase(hub, talkers, operator, end_in_between if life == 0 else signal.SIGTERM)
        book.note("notes", f"life {life} ended")
