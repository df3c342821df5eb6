"""A plain client of the seed's protocol, in Python: `seed.py SCENARIO URL`.

Compares what the hub sends with what the original sent: byte for byte where the seed fixes it, field by
field where a frame may carry more.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect

ROOM = "marlbot-pelouse"
WAIT_S = 10


class Bot:
    """One connection: says frames as text, expects frames as text."""

    def __init__(self, name, socket):
        self.name, self.socket = name, socket

    async def say(self, text):
        await self.socket.send(text)

    async def hear(self):
        text = await asyncio.wait_for(self.socket.recv(), WAIT_S)
        assert isinstance(text, str), f"{self.name}: a binary frame"
        return text

    async def expect(self, expected):
        found = await self.hear()
        assert found == expected, f"{self.name}: expected\n  {expected}\nand got\n  {found}"

    async def silence(self):
        """A frame that must not come would come before the answer to this."""
        await (await self.socket.ping())

    async def enter(self, members):
        await self.say('{ "type": "auth", "token": "token-for-%s" }' % self.name)
        await self.expect('{"type":"auth_ok"}')
        await self.say('{ "type": "join", "room": "%s" }' % ROOM)
        listed = ",".join('"%s"' % member for member in members)
        await self.expect('{"type":"joined","room":"%s","members":[%s]}' % (ROOM, listed))


async def transcript(url):
    """The exchange of the blog post, to the letter."""
    async with connect(url) as one, connect(url) as other:
        pelouse, marlbot = Bot("pelouse", one), Bot("marlbot", other)
        await pelouse.enter([])
        await marlbot.enter(["pelouse"])
        await marlbot.say('{ "type": "message", "room": "%s", "text": "Hey, article idea?" }' % ROOM)
        await marlbot.expect('{"type":"ack","room":"%s","delivered":1}' % ROOM)
        await pelouse.expect(
            '{"type":"message","room":"%s","from":"marlbot","text":"Hey, article idea?"}' % ROOM
        )
        await marlbot.silence()
        await pelouse.silence()


async def absent(url, kept):
    """60 messages to a bot that is away: `kept` of them arrive, and the loss is announced."""
    async with connect(url) as socket:
        await Bot("pelouse", socket).enter([])
    dropped = 0
    async with connect(url) as socket:
        marlbot = Bot("marlbot", socket)
        # Until the hub has noticed that the other one left, it is still a member that is here.
        await marlbot.say('{"type":"auth","token":"token-for-marlbot"}')
        await marlbot.expect('{"type":"auth_ok"}')
        while True:
            await marlbot.say('{"type":"join","room":"%s"}' % ROOM)
            if not json.loads(await marlbot.hear())["members"]:
                break
        for number in range(1, 61):
            text = json.dumps({"type": "message", "room": ROOM, "text": f"message {number}"})
            await marlbot.say(text)
            ack = json.loads(await marlbot.hear())
            dropped += ack.pop("dropped", 0)
            assert ack == {"type": "ack", "room": ROOM, "delivered": 0}, ack
    assert dropped == 60 - kept, f"the sender heard of {dropped} dropped messages"

    async with connect(url) as socket:
        pelouse = Bot("pelouse", socket)
        await pelouse.say('{"type":"auth","token":"token-for-pelouse"}')
        await pelouse.expect('{"type":"auth_ok"}')
        await pelouse.say('{"type":"join","room":"%s"}' % ROOM)
        joined = json.loads(await pelouse.hear())
        assert (joined["type"], joined["room"]) == ("joined", ROOM), joined
        for number in range(60 - kept + 1, 61):
            message = json.loads(await pelouse.hear())
            lost = message.pop("lost", 0)
            expected = 60 - kept if number == 60 - kept + 1 else 0
            assert lost == expected, f"message {number} says that {lost} are lost"
            assert message.pop("age_ms") >= 0
            said = {"type": "message", "room": ROOM, "from": "marlbot", "text": f"message {number}"}
            assert message == said, message
        await pelouse.silence()


SCENARIOS = {
    "transcript": transcript,
    "absent-60": lambda url: absent(url, 60),
    "absent-50": lambda url: absent(url, 50),
}

if __name__ == "__main__":
    try:
        asyncio.run(SCENARIOS[sys.argv[1]](sys.argv[2]))
    except AssertionError as error:
        sys.exit(str(error))
