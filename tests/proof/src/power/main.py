"""Power cuts under a hub on a real file system: main.py BINARY WORK KEEP [--cuts N] [--seed S] [--replay FILE]

A hub works on ext4 or XFS on a drive that records what reaches it. After the run the power is cut, again and again, at other
moments of the same past: what is left of the drive then is mounted, a hub starts on it, and the judge asks whether everything
is there that had been promised before the cut. A run takes some seconds and is cut twenty times.

Each run also shows that the judge sees, in three more tests. It is given two images of a drive that lies, whose flushes did
nothing since a message was said that is acknowledged by then: it must find that in each. And it is given the whole past with
one fault after another written into it (`blindness.py`): it must find each.

When a cut fails, the run is kept in a folder under KEEP and can be judged again with `--replay FILE` (the same bytes, a new hub).
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import time

import blindness
import load
import stage
import tape as tapes
import trial
from book import Book
from judge import Judge

CUTS_PER_RUN = 20
LIES_PER_RUN = 2


class Run:
    """One recorded past of a hub."""

    def __init__(self, folder, kind, seed):
        self.folder, self.kind, self.seed = folder, kind, seed
        self.make, self.how = stage.make(kind, seed)
        self.first = 0
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def record(self, binary):
        home = self.path("home")
        stage.configure(home, [*load.TALKERS, load.SILENT], [load.OPERATOR])
        with stage.recorder(self.folder) as drive, stage.loop(drive, "--direct-io=on") as device:
            stage.run(*self.make, device)
            with stage.mounted(device, self.kind, self.path("mount"), self.how) as mount:
                book = Book(self.path("count"))
                stage.run("sync", "--file-system", mount)
                self.first = book.now()
                chance = tapes.chance_of(self.seed, self.kind, "load")
                end = chance.choice([signal.SIGKILL, signal.SIGTERM])
                with stage.Hub(binary, home, os.path.join(mount, "hub")) as hub:
                    asyncio.run(load.record(hub, mount, book, chance, end))
        assert len(tapes.Tape(self.path("journal")).records) == book.now(), "the journal is not complete"
        book.save(self.path("book.json"))

    def open(self):
        self.book, self.tape = Book.load(self.path("book.json")), tapes.Tape(self.path("journal"))
        self.past = tapes.Past(self.tape, self.folder, stage.BYTES)

    def said_of_it(self):
        return (f"{self.kind}, run {self.seed}: {len(self.tape.records)} records, {len(self.tape.flushes)} flushes, "
                f"{len(self.book.acked)} acks, {len(self.book.backups)} backups")

    def moments(self, chance, count):
        """When to cut: a few times in each start and in the last stop, some in backups, the rest anywhere."""
        book, end = self.book, len(self.tape.records)
        (start, _), (again, _) = book.ready
        (killed, _), (stopped, _) = book.notes
        stretches = [(self.first, start), (killed, again), (stopped, end), *((began, done) for done, _, began in book.backups)]
        few = [chance.choice(stretches) for _ in range(count // 4)]
        return tapes.cuts(self.tape, chance, [*few, *[(self.first, end)] * (count - len(few))])

    def show(self, binary, cut, durable, extra):
        """What a hub shows after one cut."""
        image = self.past.image(durable, extra)
        return trial.trial(binary, self, image, cut)


def honest(run, binary, number, cut):
    """One cut of an honest drive. Gives its name and its faults."""
    chance = tapes.chance_of(run.seed, run.kind, "cut", number)
    durable, fate = run.tape.durable(cut), chance.choice(tapes.FATES)
    extra = tapes.remains(run.tape, durable, cut, fate, stage.SECTOR, chance)
    acked = len(run.book.before("acked", cut))
    what = f"{cut - durable} records after the flush, {fate}; {acked} acknowledged"
    name = f"{run.kind}, run {run.seed}, cut {number} before record {cut}: {what}"
    shown = run.show(binary, cut, durable, extra)
    return name, Judge(run.book, cut, shown).verdict(), acked


def lies(run):
    """Moments at which a message is acknowledged, and how much a drive has that did nothing since before it was said."""
    said = {frame["id"]: at for at, _, _, _, frame in run.book.said}
    chance = tapes.chance_of(run.seed, run.kind, "lies")
    acked = [fact for fact in run.book.acked if fact[3] == "lab"]
    for at, _, identity, _, _ in chance.sample(acked, LIES_PER_RUN):
        yield identity, at, run.tape.durable(said[identity])


class Report:
    def __init__(self, keep):
        self.keep = keep
        self.passed = self.failed = self.unusable = self.acked = 0

    def cut(self, run, binary, number, cut):
        try:
            name, faults, acked = honest(run, binary, number, cut)
        except stage.Unusable as error:
            self.unusable += 1
            print(f"unusable  {run.kind}, run {run.seed}, cut {number} before record {cut}: {error}", flush=True)
            return
        self.acked += acked
        if not faults:
            self.passed += 1
            return
        self.failed += 1
        again = f"replay: tests/proof/power BINARY --replay {self.save(run, number, cut, faults)}"
        print(f"FAILED  {name}", *faults[:12], again, sep="\n  ", flush=True)

    def save(self, run, number, cut, faults):
        folder = os.path.join(self.keep, f"{run.kind}-{run.seed}")
        os.makedirs(folder, exist_ok=True)
        for name in ("journal", "book.json"):
            if not os.path.exists(os.path.join(folder, name)):
                shutil.copy(run.path(name), folder)
        with open(os.path.join(folder, f"case-{number}.json"), "w") as file:
            json.dump({"kind": run.kind, "seed": run.seed, "number": number, "cut": cut, "faults": faults}, file, indent=1)
        return os.path.join(folder, f"case-{number}.json")

    def lie(self, run, binary, identity, cut, durable):
        try:
            faults = Judge(run.book, cut, run.show(binary, cut, durable, [])).verdict()
        except stage.Unusable:
            faults = ["the file system is gone"]
        if faults:
            self.passed += 1
        else:
            self.failed += 1
            what = f"the judge does not see that `{identity}` is lost at {cut}: {faults}"
            print(f"FAILED  {run.kind}, run {run.seed}: {what}", flush=True)


    def blindness(self, run, binary):
        """The whole past, with nothing cut away, and then with one fault after another."""
        end = len(run.tape.records)
        shown = run.show(binary, end, end, [])
        missed = Judge(run.book, end, shown).verdict() or blindness.unseen(run.book, end, shown)
        self.passed, self.failed = self.passed + (not missed), self.failed + bool(missed)
        if missed:
            what = "nothing was cut away, and the judge says, or does not see:"
            print(f"FAILED  {run.kind}, run {run.seed}: {what}", *missed, sep="\n  ", flush=True)


def cut_up(run, binary, count, report):
    """`count` cuts that can be judged; one that the file system does not survive is replaced by another."""
    chance = tapes.chance_of(run.seed, run.kind, "moments")
    number, before = 0, report.passed + report.failed
    while report.passed + report.failed < before + count and number < 2 * count:
        for cut in run.moments(chance, before + count - report.passed - report.failed):
            report.cut(run, binary, number, cut)
            number += 1
    if report.passed + report.failed < before + count:
        report.failed += 1
        print(f"FAILED  {run.kind}, run {run.seed}: half of the cuts leave no file system that mounts", flush=True)
    for lie in sorted(lies(run), key=lambda lie: lie[2]):
        report.lie(run, binary, *lie)
    report.blindness(run, binary)


def all_runs(options):
    report, began = Report(options.keep), time.monotonic()
    for at, kind in enumerate(stage.KINDS):
        left, run_number = (options.cuts + 1 - at) // 2, 0
        while left > 0:
            run = Run(os.path.join(options.work, f"{kind}-{run_number}"), kind, options.seed + run_number)
            run.record(options.binary)
            run.open()
            count, held = min(CUTS_PER_RUN, left), report.passed
            cut_up(run, options.binary, count, report)
            print(f"{run.said_of_it()}; {report.passed - held} tests held", flush=True)
            shutil.rmtree(run.folder)
            left, run_number = left - count, run_number + 1
    print(f"{report.acked} acknowledgements held against {options.cuts} cuts in {time.monotonic() - began:.0f} s, "
          f"{report.unusable} cuts left no file system that mounts")
    print(f"{report.passed} passed, {report.failed} failed")
    return report.failed == 0


def replay(options):
    with open(options.replay) as file:
        case = json.load(file)
    folder = os.path.join(options.work, "replay")
    shutil.copytree(os.path.dirname(options.replay), folder)
    run = Run(folder, case["kind"], case["seed"])
    run.open()
    name, faults, _ = honest(run, options.binary, case["number"], case["cut"])
    print(name, *faults, sep="\n  ")
    print(f"{int(not faults)} passed, {int(bool(faults))} failed")
    return not faults


def main():
    form = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(prog="tests/proof/power", description=__doc__, formatter_class=form)
    options.add_argument("binary")
    options.add_argument("work")
    options.add_argument("keep")
    options.add_argument("--cuts", type=int, default=240, help="half of them on ext4, half on XFS (240)")
    options.add_argument("--seed", type=int, default=1, help="chooses load and cuts; the timing of a run is its own")
    options.add_argument("--replay", metavar="FILE", help="judge a kept case again")
    options = options.parse_args()
    raise SystemExit(0 if (replay if options.replay else all_runs)(options) else 1)


if __name__ == "__main__":
    main()
