"""Judges a report of Autobahn|Testsuite: `judge.py DIRECTORY`. Ends in `N passed, N failed`.

A case passes when the suite says OK (or only informs) about the exchange and about the close. Cases that send
binary messages cannot be answered by a hub that speaks JSON in text frames: they pass when it closes them with 1003
("unsupported data"), which RFC 6455 section 7.4.1 has for that.
"""

import collections
import json
import pathlib
import sys

# 301 without compression; fewer means that the suite was cut short.
CASES = 301
# 1.2: binary messages of every length. 9.2, 9.4, 9.6: large binary messages, whole, fragmented and in pieces.
# 9.8: many binary messages.
BINARY = ("1.2.", "9.2.", "9.4.", "9.6.", "9.8.")
GOOD = ("OK", "INFORMATIONAL")


def verdict(name, case, details):
    if name.startswith(BINARY):
        return "refused as binary" if details["remoteCloseCode"] == 1003 else "FAILED"
    if case["behavior"] in GOOD and case["behaviorClose"] in GOOD:
        return case["behavior"]
    return "FAILED"


def main(report):
    cases = json.loads((report / "index.json").read_text())["bot-hub"]
    counts = collections.Counter()
    for name, case in cases.items():
        details = json.loads((report / case["reportfile"]).read_text())
        said = verdict(name, case, details)
        counts[said] += 1
        if said == "FAILED":
            close = details["remoteCloseCode"], details["remoteCloseReason"]
            print(f"FAILED {name}: {case['behavior']}, close {case['behaviorClose']} {close}")
            print(f"       {details['description']}")
    print(", ".join(f"{count} {said}" for said, count in sorted(counts.items())))
    failed = counts["FAILED"] + max(0, CASES - len(cases))
    print(f"{len(cases) - counts['FAILED']} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
