"""Whether the judge sees: what a hub showed is changed in one thing at a time, and each change must be found.

The drive that lies (see `main.py`) shows that a real loss is found. This shows the rest: what no drive can be made to do at will.
"""

import copy

import load
from judge import Judge


def lose(shown):
    """The newest message is gone."""
    shown.before["lab"][0].pop()


def hole(shown):
    """A message in the middle is gone."""
    del shown.before["lab"][0][5]


def twice(shown):
    """A message is stored again, at the end."""
    log = shown.after["lab"][0]
    log.append({**log[0], "seq": log[-1]["seq"] + 1})


def other_text(shown):
    """A message says something else."""
    shown.after["lab"][0][0]["text"] += "!"


def other_order(shown):
    """Two messages of one sender change places."""
    log = shown.before["lab"][0]
    first = log[0]
    second = next(entry for entry in log[1:] if entry["from"] == first["from"])
    first["id"], second["id"], first["text"], second["text"] = second["id"], first["id"], second["text"], first["text"]


def ahead(shown):
    """The cursor of a bot that never took anything has moved."""
    shown.positions[load.SILENT]["lab"] = shown.before["lab"][0][1]["seq"]


def untrue(shown):
    """A bot that never took anything is said to have received."""
    next(row for row in shown.status.values() if load.SILENT in row)[load.SILENT] = "received"


def forgotten(shown):
    """All receipts are back at the beginning."""
    for row in shown.status.values():
        row.update(dict.fromkeys(row, "stored"))


def undelivered(shown):
    """A bot is not given one of the messages that wait for it."""
    del shown.delivered[load.SILENT]["lab"][3]


def repeated(shown):
    """A message that is said again is taken for a new one."""
    next(answer for answer in shown.resent.values() if answer.get("duplicate"))["duplicate"] = False


def room(shown):
    """A room is gone."""
    shown.rooms.discard("lab")


def epoch(shown):
    """The log is another one."""
    shown.epoch = "another"


def token(shown):
    """A token is refused."""
    shown.tokens = dict.fromkeys(shown.tokens, False)


def revoked(shown):
    """A token that was revoked is good."""
    shown.tokens = dict.fromkeys(shown.tokens, True)


def backup(shown):
    """A backup cannot be restored."""
    shown.backups = {name: (1, "damaged", 0) for name in shown.backups}


def no_backup(shown):
    """A backup is gone."""
    shown.backups = {}


FAULTS = [
    lose, hole, twice, other_text, other_order, ahead, untrue, forgotten, undelivered, repeated, room, epoch, token, revoked, backup,
    no_backup,
]


def unseen(book, cut, shown):
    """The faults, in words, that the judge does not find in `shown`, which was found to be in order."""
    missed = []
    for fault in FAULTS:
        changed = copy.deepcopy(shown)
        fault(changed)
        if not Judge(book, cut, changed).verdict():
            missed.append(fault.__doc__)
    return missed
