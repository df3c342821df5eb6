"""What a hub shows after a cut: it is started on what is left of the drive, asked for everything, and stopped.

Owns the questions. It knows from the book what to ask, and says what came; `judge.py` says whether that is right.
"""

import asyncio
import json
import os
import signal
import tempfile

import load
import stage
import wire

# How many of the newest messages of each kind are asked for one by one.
NEWEST = 12
REPORT_EVERY = 16


class Evidence:
    def __init__(self):
        self.ended = self.epoch = None
        self.unverified = ""
        self.starts = True
        self.trouble = []
        self.before, self.after = {}, {}
        self.status, self.positions, self.delivered, self.resent = {}, {}, {}, {}
        self.rooms, self.tokens, self.backups = set(), {}, {}


def trial(binary, run, image, cut):
    """Mounts an image and lets a hub loose on it."""
    shown = Evidence()
    with tempfile.TemporaryDirectory() as home, stage.loop(image) as device:
        with stage.mounted(device, run.kind, os.path.join(home, "mount"), run.how) as mount:
            stage.configure(home, [*load.TALKERS, load.SILENT], [load.OPERATOR])
            with stage.Hub(binary, home, os.path.join(mount, "hub")) as hub:
                look(hub, mount, run.book, cut, shown)
        if not stage.looks_sound(run.kind, device):
            raise stage.Unusable("the file system is damaged after it was mounted and unmounted")
    return shown


def look(hub, mount, book, cut, shown):
    """`verify` opens the store and so repairs it: at every other cut the hub is the first."""
    if cut % 2:
        shown.unverified = verify(hub)
    try_backups(hub, os.path.join(mount, "backups"), shown)
    try:
        hub.start()
    except AssertionError as error:
        shown.starts = False
        shown.trouble.append(str(error))
        return
    if damage := verify(hub):
        shown.trouble.append(f"`verify` beside the hub: {damage}")
    listed = hub.run("room", "list")
    if listed.returncode != 0:
        shown.trouble.append(f"the command line does not reach the hub: {listed.stderr}")
    try:
        asyncio.run(ask(hub.url, book, cut, shown))
    except (AssertionError, wire.Refused, *wire.GONE) as error:
        shown.trouble.append(f"{type(error).__name__}: {error}; the hub says: {hub.last_words()}")
    shown.ended = hub.end(signal.SIGTERM)


def verify(hub):
    """What it finds, empty when all is well."""
    done = hub.run("verify")
    return "" if done.returncode == 0 else f"exit {done.returncode}: {done.stdout}{done.stderr}"


def try_backups(hub, folder, shown):
    """Each backup that is there is made a store of, and that is verified."""
    names = [name for name in os.listdir(folder) if name.startswith("copy-")] if os.path.isdir(folder) else []
    for name in filter(lambda name: name.endswith(".db"), names):
        with tempfile.TemporaryDirectory() as place:
            restored = stage.Hub(hub.binary, hub.home, os.path.join(place, "data"))
            done = restored.run("restore", os.path.join(folder, name))
            told = restored.run("export", "--room", "lab", "--format", "jsonl") if done.returncode == 0 else done
            shown.backups[name] = (done.returncode, done.stderr + told.stderr, told.stdout.count('"type":"message"'))


async def ask(url, book, cut, shown):
    async with wire.Bot(load.OPERATOR, url, side=True) as root:
        shown.epoch = root.greeting["epoch"]
        shown.rooms = await rooms_of(root)
        for room in sorted(shown.rooms):
            shown.before[room] = await root.log(room)
        await ask_status(root, book, cut, shown)
        for name in [*load.TALKERS, load.SILENT]:
            await read_on(name, url, shown)
        for name in load.TALKERS:
            await say_again(name, url, book, cut, shown)
        # What is said again may make the room of two bots.
        for room in sorted(await rooms_of(root)):
            shown.after[room] = await root.log(room)
    await try_tokens(url, book, cut, shown)


async def rooms_of(root):
    return {row["room"] for row in (await root.operate(room_list={}))["rooms"]}


async def ask_status(root, book, cut, shown):
    """Of messages that somebody was told of, and of the newest that there are."""
    wanted = {(sender, identity) for _, sender, identity, _, _ in book.before("told", cut)[-4 * NEWEST:]}
    for entries, _ in shown.before.values():
        wanted |= {(entry["from"], entry["id"]) for entry in entries[-NEWEST:]}
    for sender, identity in sorted(wanted):
        await root.say(type="status", id=identity, **{"from": sender})
        answer = await root.hear("status")
        if answer["type"] == "status":
            shown.status[sender, identity] = {row["bot"]: row["state"] for row in answer["recipients"]}


async def read_on(name, url, shown):
    """A bot comes back and takes all that waits for it."""
    try:
        async with wire.Bot(name, url, resume={}) as bot:
            rooms = {row["room"]: row["position"]["seq"] for row in bot.greeting["rooms"]}
            shown.positions[name] = rooms
            got = shown.delivered[name] = {room: [] for room in rooms}
            last = {room: last_of_others(name, shown.before.get(room, ([], []))[0]) for room in rooms}
            open_rooms = {room for room in rooms if last[room] > rooms[room]}
            while open_rooms:
                frame = await bot.hear("message", "gap")
                room, seq = frame["room"], frame.get("seq") or frame["to_seq"]
                if frame["type"] == "message":
                    got[room].append((seq, frame["id"]))
                if len(got[room]) % REPORT_EVERY == 0 or seq >= last[room]:
                    await bot.say(type="receipt", room=room, seq=seq, state="received")
                if seq >= last[room]:
                    open_rooms.discard(room)
    except (TimeoutError, wire.Refused) as error:
        shown.trouble.append(f"`{name}` does not get what waits for it: {type(error).__name__} {error}")


def last_of_others(name, entries):
    return max((entry["seq"] for entry in entries if entry["from"] != name), default=0)


async def say_again(name, url, book, cut, shown):
    """What was acknowledged last, and all that was under way: each in the order in which it was said."""
    acked = {fact[2] for fact in book.before("acked", cut) if fact[1] == name}
    said = [frame for _, sender, _, _, frame in book.before("said", cut) if sender == name]
    again = [frame for frame in said if frame["id"] in acked][-NEWEST:] + [frame for frame in said if frame["id"] not in acked]
    async with wire.Bot(name, url, side=True) as bot:
        for frame in again:
            await bot.say(**frame)
            answer = await bot.hear("ack")
            shown.resent[name, frame["id"]] = answer


async def try_tokens(url, book, cut, shown):
    tokens = book.before("tokens", cut)[-3:] + [(at, name, token) for at, name, token, _ in book.before("revoked", cut)[-3:]]
    for _, name, token in tokens:
        try:
            async with wire.Bot(name, url, token=token, side=True):
                shown.tokens[token] = True
        except wire.Refused as refused:
            shown.tokens[token] = False if refused.args[0].get("name") == "bad_token" else json.dumps(refused.args[0])
