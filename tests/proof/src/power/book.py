"""What the clients of a recorded run know: what was said, told and seen, and when.

"When" is the number of records that the drive had seen, `now()`. It is read *before* a client says something: a cut that
lies earlier cannot know of it. It is read *after* a client was told something: every cut from there on has to keep it. So an
`ack` counts as given before a cut only if its client had read it before the drive saw the first record that the cut takes away.
"""

import json
import mmap


class Book:
    LISTS = ["said", "acked", "seen", "reported", "told", "rooms", "tokens", "revoked", "backups", "ready", "epochs", "notes"]

    def __init__(self, count=None):
        for name in self.LISTS:
            setattr(self, name, [])
        self.count = None
        if count:
            with open(count, "rb") as file:
                self.count = memoryview(mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)).cast("Q")

    def now(self):
        return self.count[0]

    def note(self, name, *facts, at=None):
        """Adds a fact to one of the lists; its moment stands first."""
        getattr(self, name).append((self.now() if at is None else at, *facts))

    def before(self, name, cut):
        """What the list holds of the time before a cut."""
        return [fact for fact in getattr(self, name) if fact[0] <= cut]

    def save(self, path):
        with open(path, "w") as file:
            json.dump({name: getattr(self, name) for name in self.LISTS}, file)

    @classmethod
    def load(cls, path):
        book = cls()
        with open(path) as file:
            for name, facts in json.load(file).items():
                setattr(book, name, [tuple(fact) for fact in facts])
        return book
