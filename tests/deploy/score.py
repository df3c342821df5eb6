"""Counts what passed: a line per test, and the last line `N passed, N failed`."""

import sys


class Score:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, title, test, *arguments):
        """Runs one test; an assertion says what is wrong, and a text that is returned is shown."""
        try:
            remark = test(*arguments)
        except AssertionError as error:
            self.failed += 1
            print(f"FAILED  {title}\n        {error}", flush=True)
            return
        self.passed += 1
        print(f"ok      {title}" + (f": {remark}" if remark else ""), flush=True)

    def skip(self, title, why):
        print(f"SKIPPED ({why}): {title}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(0 if self.failed == 0 else 1)
