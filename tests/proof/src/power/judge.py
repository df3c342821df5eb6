"""Whether a hub kept its word over a cut. Owns the promises; it looks only at the book and at what `trial.py` saw."""

from load import SHORT_KEEPS

LADDER = ["queued", "stored", "delivered", "received", "started", "answered", "done"]


def rank(state):
    """How far up the ladder; `done` and `answered` are both ends. Off the ladder is below it: it claims nothing."""
    return LADDER.index(state) if state in LADDER else -1


class Judge:
    def __init__(self, book, cut, shown):
        self.book, self.cut, self.shown = book, cut, shown
        self.faults = []
        self.said = {(sender, frame["id"]): (room, number, frame) for _, sender, room, number, frame in book.before("said", cut)}
        self.acked = {(sender, identity): (room, seq) for _, sender, identity, room, seq in book.before("acked", cut)}
        self.through, self.singly = {}, set()
        for _, bot, room, seq, _, _, state in book.before("reported", cut):
            if state == "received":
                self.through[bot, room] = max(seq, self.through.get((bot, room), 0))
            else:
                self.singly.add((bot, room, seq))

    def fault(self, kind, text):
        self.faults.append(f"{kind}: {text}")

    def verdict(self):
        shown = self.shown
        for trouble in shown.trouble:
            self.fault("trouble", trouble)
        # Until the hub was ready for the first time there may be no store to verify.
        if shown.unverified and self.book.before("ready", self.cut):
            self.fault("damaged", f"`verify` says: {shown.unverified}")
        if not shown.starts:
            return self.faults
        if shown.ended != 0:
            self.fault("trouble", f"the hub ended with {shown.ended}")
        for _, epoch in self.book.before("epochs", self.cut)[:1]:
            if epoch != shown.epoch:
                self.fault("lost", f"the log has another epoch: {epoch} before, {shown.epoch} after")
        self.rooms()
        for room in shown.before:
            self.log(room, shown.before[room])
        for room in shown.after:
            self.log(room, shown.after[room])
        self.kept("was acknowledged", ((*place, *message) for message, place in self.acked.items()))
        seen = self.book.before("seen", self.cut)
        self.kept("was read", ((room, seq, sender, identity) for _, _, room, seq, identity, sender in seen))
        self.receipts()
        self.cursors()
        self.again()
        self.tokens()
        self.backups()
        return self.faults

    def rooms(self):
        for _, room in self.book.before("rooms", self.cut):
            if room not in self.shown.rooms:
                self.fault("lost", f"room `{room}`, which its maker was told of")

    def log(self, room, page):
        """Whole, without holes, each message once and as it was said, each sender's in its order."""
        entries, damaged = page
        if damaged:
            self.fault("damaged", f"`{room}`: {damaged}")
        seqs = [entry["seq"] for entry in entries]
        if seqs and (seqs != list(range(seqs[0], seqs[0] + len(seqs))) or (seqs[0] != 1 and room != "short")):
            self.fault("lost", f"`{room}` has holes")
        if room == "short" and seqs and seqs[0] > max(1, seqs[-1] - SHORT_KEEPS + 1):
            self.fault("lost", f"`short` kept only {len(seqs)}")
        seen, last = set(), {}
        for entry in entries:
            key = entry["from"], entry["id"]
            said = self.said.get(key)
            if key in seen:
                self.fault("twice", f"{key} in `{room}`")
            elif said is None or said[0] != room or said[2]["text"] != entry["text"]:
                self.fault("invented", f"{key} in `{room}`")
            elif said[1] <= last.get(entry["from"], 0):
                self.fault("reordered", f"{key} in `{room}`")
            if said:
                last[entry["from"]] = said[1]
            seen.add(key)

    def kept(self, why, facts):
        """Each at its place, unless the room's retention removed it."""
        logs = {room: {entry["seq"]: (entry["from"], entry["id"]) for entry in page[0]} for room, page in self.shown.before.items()}
        for room, seq, sender, identity in sorted(set(facts)):
            log = logs.get(room, {})
            is_gone = room == "short" and log and seq < min(log) and seq <= max(log) - SHORT_KEEPS
            if log.get(seq) != (sender, identity) and not is_gone:
                self.fault("lost", f"`{identity}`, {seq} in `{room}`, {why}")

    def is_covered(self, bot, room, seq):
        """Whether the bot said of this entry that it took it."""
        return seq <= self.through.get((bot, room), 0) or (bot, room, seq) in self.singly

    def receipts(self):
        for _, sender, identity, bot, state in self.book.before("told", self.cut):
            row = self.shown.status.get((sender, identity))
            if row and rank(state) >= rank("received") and rank(row.get(bot)) < rank(state):
                self.fault("forgotten", f"`{sender}` was told `{state}` of `{identity}` by `{bot}`, now `{row.get(bot)}`")
        places = {(entry["from"], entry["id"]): (room, entry["seq"])
                  for room, page in self.shown.before.items() for entry in page[0]}
        for (sender, identity), row in self.shown.status.items():
            room, seq = places.get((sender, identity), (None, None))
            for bot, state in row.items():
                if room is None:
                    self.fault("untrue", f"`{bot}` is said to have `{identity}`, which is not stored")
                elif rank(state) >= rank("received") and not self.is_covered(bot, room, seq):
                    self.fault("untrue", f"`{bot}` never said that it `{state}` `{identity}`")

    def cursors(self):
        for bot, rooms in self.shown.positions.items():
            for room, position in rooms.items():
                foreign = [(e["seq"], e["id"]) for e in self.shown.before.get(room, ([], 0))[0] if e["from"] != bot]
                ahead = [seq for seq, _ in foreign if seq <= position and not self.is_covered(bot, room, seq)]
                if ahead:
                    self.fault("ahead", f"the cursor of `{bot}` in `{room}` is {position}, and it never took {ahead[:3]}")
                got = self.shown.delivered[bot][room]
                due = [it for it in foreign if it[0] > position and (it in got or not self.is_covered(bot, room, it[0]))]
                if got != due:
                    self.fault("lost", f"`{bot}` in `{room}` after {position}: got {len(got)}, due {len(due)}")

    def again(self):
        for (sender, identity), answer in self.shown.resent.items():
            place = self.acked.get((sender, identity))
            if answer["type"] != "ack":
                self.fault("trouble", f"`{identity}`, said again: {answer}")
                continue
            stored = [e for e in self.shown.after.get(answer["room"], ([], 0))[0] if (e["from"], e["id"]) == (sender, identity)]
            if len(stored) != 1 and answer["room"] != "short":
                self.fault("lost", f"`{identity}`, said again, is stored {len(stored)} times")
            if place and self.is_young(place) and (answer.get("seq") != place[1] or not answer.get("duplicate")):
                self.fault("twice", f"`{identity}` was {place} and is {answer}")

    def is_young(self, place):
        """Whether no retention can have removed it yet."""
        head = max((entry["seq"] for entry in self.shown.after.get(place[0], ([], 0))[0]), default=0)
        return place[0] != "short" or place[1] > head - SHORT_KEEPS

    def tokens(self):
        revoked = {token for _, _, token, _ in self.book.before("revoked", self.cut)}
        unsure = {token for _, _, token, began in self.book.revoked if began <= self.cut}
        for token, is_good in self.shown.tokens.items():
            if token in revoked and is_good is not False:
                self.fault("revived", f"a revoked token is good again: {is_good}")
            if token not in unsure and is_good is not True:
                self.fault("lost", f"a token that was handed out is refused: {is_good}")

    def backups(self):
        for name, (code, says, _) in self.shown.backups.items():
            if code != 0:
                self.fault("damaged", f"backup {name}: {says}")
        for _, name, began in self.book.before("backups", self.cut):
            owed = len({fact[2] for fact in self.book.acked if fact[0] <= began and fact[3] == "lab"})
            if name not in self.shown.backups:
                self.fault("lost", f"backup {name}, which was complete")
            elif self.shown.backups[name][2] < owed:
                self.fault("lost", f"backup {name} holds {self.shown.backups[name][2]} of `lab`, {owed} were acknowledged before it began")
