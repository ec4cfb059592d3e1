#!/usr/bin/env python3
"""What the pages of the commands that need a running phone show, comes: line by line, whatever the numbers."""
import re
import signal
from pathlib import Path

from harness.expect import expect
from harness.phone import PROGRAM, run_program
from harness.published import BLF, MWI, REGISTER_FIRST, is_on, lamp, messages
from harness.run import live_test, run_tests
from harness.waiting import Process, wait_for

DOCS = Path(__file__).resolve().parents[2] / 'docs'
WANTED = 'lines:\n  - line: 1\n    subscriptions:\n      - event: message-summary\n'


def masked(line):
    return re.sub(r'\d+', 'N', line.rstrip())


def shown(page, first):
    """The lines of the blocks of PAGE that begin with FIRST, a command or the beginning of a line."""
    blocks = re.findall(r'^```\w*\n(.*?)^```$', (DOCS / page).read_text('utf-8'), re.M | re.S)
    return [[line for line in block.splitlines() if not line.startswith('$ ')] for block in blocks if block.startswith(first)]


def expect_shown(page, lines, printed):
    """LINES come in PRINTED, in this order; others may stand between them."""
    rest = iter([masked(line) for line in printed.splitlines()])
    missing = next((line for line in lines if masked(line) not in rest), None)
    expect(missing is None, f'each line that docs/{page} shows comes' + (f'; "{missing}" does not, in:\n{printed}' if missing else ''))


@live_test(presence=True)
def as_shown(world):
    """SEE-1 (part), SEE-2 (part): docs/run.md, status.md, call.md, events.md and subscribe.md show a phone whose server
    falls silent before a call; a phone in that case prints those lines."""
    wanted = world.folder / 'wanted.yaml'
    wanted.write_text(WANTED)
    phone = world.registered_phone(REGISTER_FIRST, [wanted])
    phone.wait_subscription('message-summary', is_on(world.sbc1))
    world.sbc1.publish(*MWI, messages(2))
    phone.wait_subscription('message-summary', lambda row: row.get('messages', {}).get('voice', {}).get('new') == 2)
    before, after = shown('status.md', '$ keepline status')
    expect_shown('status.md', before, run_program('status', '--control', phone.control)[1])

    events = Process('events', [PROGRAM, 'events', '--control', phone.control], world.folder)
    watch = Process('subscribe', [PROGRAM, 'subscribe', '--control', phone.control, 'dialog', 'bob'], world.folder)
    events.start()
    watch.start()
    phone.wait_subscription('dialog', is_on(world.sbc1))
    world.sbc1.publish(*BLF, lamp('early'), user='bob')
    watch.wait_for_output('early')

    world.sbc1.freeze()
    call = phone.call()
    call.process.wait_for_output('the far end holds the call')
    for package in 'message-summary', 'dialog':
        phone.wait_subscription(package, is_on(world.sbc2))
    expect_shown('status.md', after, run_program('status', '--control', phone.control)[1])
    call.hang_up()
    call.wait()
    wait_for(lambda: 'hung up' in events.output(), 'the events tell that the call is over')
    for process in events, watch:
        process.signal(signal.SIGINT)
        process.wait()
    for page, first, printed in (('call.md', '$ keepline call', call.output()), ('events.md', '$ keepline events', events.output()),
                                 ('subscribe.md', '$ keepline subscribe', watch.output()), ('run.md', '2026-', phone.log())):
        expect_shown(page, shown(page, first)[0], printed)


if __name__ == '__main__':
    run_tests()
