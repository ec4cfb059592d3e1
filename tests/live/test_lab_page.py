#!/usr/bin/env python3
"""The lab's page, in a real browser: tests/page/page_test.js drives it."""
import os
import socket
import struct
from pathlib import Path

from harness.expect import expect_equal
from harness.lab import LabWorld
from harness.run import live_test, run_tests
from harness.waiting import Process

ROOT = Path(__file__).resolve().parents[2]
PAGE = '127.0.0.1:8080'
LAB = f'page: {PAGE}\nexpires_max: 20s\n'  # a refresh is due after 10 s, and finds server1 silent
BROWSER_S = 240
# Where to keep the screenshot; else it goes with the test's folder.
SCREENSHOT = os.environ.get('KEEPLINE_SCREENSHOT')

MARKUP = '<b>dance</b>'


def send_markup():
    """A DNS question for a name that would be HTML, if somebody took it for that."""
    labels = b''.join(bytes([len(label)]) + label.encode() for label in (MARKUP, 'lab', 'example')) + b'\0'
    question = struct.pack('>HHHHHH', 1, 0x100, 1, 0, 0, 0) + labels + struct.pack('>HH', 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(question, ('127.0.1.53', 5353))


@live_test(LabWorld, file=LAB, policy='reregister_on: true')
def page(world):
    """A button breaks a server, the ladder grows, a verdict is shown, markup stays text, a wrong token is refused."""
    world.lab.wait_for_output('page ')
    url = next(line.split()[1] for line in world.lab.output().splitlines() if line.startswith('page '))
    world.phone()
    send_markup()
    browser = Process('browser', ['node', ROOT / 'tests/page/page_test.js', url,
                                  SCREENSHOT or world.folder / 'page.png'], world.folder)
    os.environ.setdefault('NODE_MODULES', str(ROOT / 'build-page' / 'node_modules'))
    os.environ['HOME'] = str(world.folder)
    try:
        browser.start()
        expect_equal('exit status of the browser test', browser.wait(BROWSER_S), 0)
    finally:
        browser.kill()


if __name__ == '__main__':
    run_tests()
