#!/usr/bin/env python3
"""`keepline demo`: the main job, live on loopback addresses.

    demo_test.py KEEPLINE

Three demos play side by side, so that they also prove not to be in each other's way. One of them is stopped for a
while in the middle of its failover: it has to notice that its phone was late.
"""
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import unittest

KEEPLINE = None
HURRY = -10  # as the other live tests, which run beside it
STOPPED_S = 1.5  # longer than any gap between two sends and what the demo tolerates


class Demo(unittest.TestCase):
    def start(self, *options):
        demo = subprocess.Popen([KEEPLINE, 'demo', *options], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        self.addCleanup(demo.stdout.close)
        self.addCleanup(demo.kill)
        return demo

    def read_until(self, demo, words):
        for line in demo.stdout:
            if words in line:
                return
        self.fail(f'the demo ended before it said "{words}"')

    def test_side_by_side(self):
        """TIME-1, FAIL-2, FAIL-9, REG-1: every step is seen, with times as the rules say."""
        demos = [self.start('--failback=registration') for _ in range(2)]
        late = self.start('--failback=registration')
        self.read_until(late, 'falls silent')
        self.read_until(late, 'gets INVITE, says nothing')
        late.send_signal(signal.SIGSTOP)
        threading.Event().wait(STOPPED_S)
        late.send_signal(signal.SIGCONT)

        for demo in demos:
            output, _ = demo.communicate(timeout=90)
            self.assertEqual(demo.returncode, 0, output)
            self.assertNotIn('MISSING', output)
            self.assertNotIn('demo-only', output, 'the password')
            self.assertNotIn('\033', output, 'colours are for terminals')
            times = re.findall(r'server (\d)   (INVITE|REGISTER) +(\d+) ms +rule +(\d+) ms', output)
            self.assertEqual([(server, method, rule) for server, method, _, rule in times],
                             [('1', 'INVITE', '0'), ('1', 'INVITE', '500'), ('1', 'INVITE', '1500'),
                              ('2', 'REGISTER', '3500'), ('1', 'REGISTER', '15000')])
        output, _ = late.communicate(timeout=90)
        self.assertEqual(late.returncode, 1, output)
        self.assertIn('NOT KEPT', output)
        self.assertIn('MISSING', output)

    def test_usage(self):
        demo = self.start('--failback=never')
        output, _ = demo.communicate(timeout=10)
        self.assertEqual(demo.returncode, 2)
        self.assertIn('never is no rule', output)


if __name__ == '__main__':
    KEEPLINE = sys.argv.pop(1)
    with contextlib.suppress(PermissionError):
        os.nice(HURRY)
    unittest.main()
