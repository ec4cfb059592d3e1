"""What the tests of `keepline explain` share.

The expected times come from the arithmetic below, not from Keepline.
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

KEEPLINE = str(Path(sys.argv[1]).resolve())  # some tests run in another folder
TRANSACTION = 32000  # 64*T1


def gaps(fixed=0):
    """The waits after successive sends: fixed, or 0.5, 1, 2, 4, 4 ... s."""
    gap = 500
    while True:
        yield fixed or gap
        gap = min(2 * gap, 4000)


def timeline(routes, attempts=3, fixed=0, whole_last=False):
    """[(time, route, attempt)] of a request that nobody answers, and when it is given up."""
    sends, now = [], 0
    for route in range(1, routes):
        for attempt, gap in zip(range(1, attempts + 1), gaps(fixed)):
            sends.append((now, route, attempt))
            now += gap
    end = now + TRANSACTION if whole_last else TRANSACTION
    for attempt, gap in enumerate(gaps(), 1):
        if now >= end:
            return sends, end
        sends.append((now, routes, attempt))
        now += gap


class Explaining(unittest.TestCase):
    """A folder for each test, and `keepline explain`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_keepline(self, *arguments, folder=None):
        return subprocess.run([KEEPLINE, 'explain', *arguments], timeout=60, cwd=folder, capture_output=True, text=True,
                              check=False)

    def explain_files(self, *arguments, folder=None):
        """The lines of explain's JSON."""
        run = self.run_keepline('--json', *arguments, folder=folder)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)['lines']

    def sends(self, line, method):
        """[(time, route, attempt)], and when it is given up."""
        steps = line['timelines'][method]
        self.assertEqual(steps[-1]['event'], 'give-up')
        return ([(step['t_ms'], step['route'], step['attempt']) for step in steps[:-1]], steps[-1]['t_ms'])


def main():
    del sys.argv[1]
    unittest.main('__main__')
