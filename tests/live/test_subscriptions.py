#!/usr/bin/env python3
"""Message waiting and busy lamps from real presence servers: asked for, told, and made anew where the line goes."""
import signal

from harness.expect import expect, expect_equal
from harness.phone import PROGRAM
from harness.published import BLF, MWI, REGISTER_FIRST, is_on, lamp, messages
from harness.run import live_test, run_tests
from harness.waiting import Process

WANTED = '''lines:
  - line: 1
    subscriptions:
      - event: message-summary
      - {event: dialog, resource: bob}
'''


def subscribed_phone(world):
    """A phone that is subscribed at the first server."""
    wanted = world.folder / 'wanted.yaml'
    wanted.write_text(WANTED)
    phone = world.registered_phone(REGISTER_FIRST, [wanted])
    for package in 'message-summary', 'dialog':
        phone.wait_subscription(package, is_on(world.sbc1))
    return phone


def tell(world, phone, registrar, waiting, state):
    """The server learns of new messages and of a call, and the phone of them."""
    expect_equal('PUBLISH of messages', registrar.publish(*MWI, messages(waiting)), 200)
    expect_equal('PUBLISH of a call', registrar.publish(*BLF, lamp(state), user='bob'), 200)
    phone.wait_subscription('message-summary', lambda row: row.get('messages', {}).get('voice', {}).get('new') == waiting)
    phone.wait_subscription('dialog', lambda row: row.get('watched') == state)


@live_test(presence=True)
def told(world):
    """SUBS-2 (part): both subscriptions are made with credentials, what is published comes as NOTIFY and is answered
    200, and leaving ends them at the server before the registration."""
    phone = subscribed_phone(world)
    tell(world, phone, world.sbc1, 2, 'early')
    tell(world, phone, world.sbc1, 5, 'confirmed')
    notifies = {packet.branch for packet in world.log.find(method='NOTIFY', source=world.sbc1.address)}
    answered = {packet.branch for packet in world.log.find(method='NOTIFY', status=200, target=world.sbc1.address)}
    expect_equal('NOTIFYs that got a 200', answered, notifies)
    left_ms = world.log.now_ms()
    phone.leave()
    ends = [packet for packet in world.sent('SUBSCRIBE', world.sbc1, since_ms=left_ms)
            if packet.header('Expires') == '0']
    expect(len(ends) >= 2, 'each subscription is ended')
    expect_equal('phone is registered no more', world.sbc1.contacts(), [])
    last = world.sent('REGISTER', world.sbc1, since_ms=left_ms)[0]
    expect(ends[0].at_ms <= last.at_ms, 'the subscriptions go first')


@live_test(presence=True)
def follow(world):
    """SUBS-1, FALL-5 (part), SUBS-2 (part): the first server falls silent, a call finds out. Once the second has taken the
    REGISTER, both subscriptions are made there with new Call-IDs, and it is the second that tells of messages. The first
    comes back, and what it tells its old dialogs is refused with 481; from then on it tells nothing."""
    phone = subscribed_phone(world)
    tell(world, phone, world.sbc1, 2, 'early')
    before = {packet.call_id for packet in world.sent('SUBSCRIBE', world.sbc1)}
    world.sbc1.freeze()
    call = phone.call()
    accepted = world.wait_answered('REGISTER', 200, world.sbc2)
    for package in 'message-summary', 'dialog':
        phone.wait_subscription(package, is_on(world.sbc2))
    moved = world.sent('SUBSCRIBE', world.sbc2)
    expect(all(packet.at_ms >= accepted.at_ms for packet in moved), 'they were made once the line was registered there')
    expect(not before & {packet.call_id for packet in moved}, 'their Call-IDs are new')
    tell(world, phone, world.sbc2, 7, 'confirmed')
    call.hang_up()

    world.sbc1.thaw()
    back_ms = world.log.now_ms()
    expect_equal('PUBLISH at the old server', world.sbc1.publish(*MWI, messages(1)), 200)
    refused = world.log.wait_one('481 to a NOTIFY of the old server', method='NOTIFY', status=481,
                                 target=world.sbc1.address, since_ms=back_ms)
    expect(refused.call_id in before, 'of a dialog that was')
    gone_ms = world.log.now_ms()
    expect_equal('PUBLISH at the old server', world.sbc1.publish(*MWI, messages(3)), 200)
    world.log.expect_none('NOTIFY of the old server for messages', 1.0, method='NOTIFY', source=world.sbc1.address,
                          since_ms=gone_ms, where=lambda packet: packet.call_id == refused.call_id)
    row = phone.subscriptions()['message-summary']
    expect_equal('what the phone knows of messages', row['messages']['voice']['new'], 7)


@live_test(presence=True)
def by_command(world):
    """SEE-1 (part): `keepline subscribe` and `keepline events` tell what comes, as text and as JSON; Ctrl-C ends the
    subscription at its server."""
    phone = world.registered_phone()
    events = Process('events', [PROGRAM, 'events', '--json', '--control', phone.control], world.folder)
    watcher = Process('watcher', [PROGRAM, 'subscribe', '--control', phone.control, 'dialog', 'bob'], world.folder)
    events.start()
    watcher.start()
    try:
        phone.wait_subscription('dialog', is_on(world.sbc1))
        world.sbc1.publish(*BLF, lamp('confirmed'), user='bob')
        watcher.wait_for_output('<state>confirmed</state>')
        events.wait_for_output('"watched":"confirmed"')
        watcher.signal(signal.SIGINT)
        expect_equal('exit status of keepline subscribe', watcher.wait(), 0)
        end = world.log.wait_one('the end of the subscription', method='SUBSCRIBE', target=world.sbc1.address,
                                 where=lambda packet: packet.header('Expires') == '0')
        world.wait_answered('SUBSCRIBE', 200, world.sbc1, since_ms=end.at_ms)
        events.signal(signal.SIGINT)
        expect_equal('exit status of keepline events', events.wait(), 0)
    finally:
        watcher.kill()
        events.kill()


if __name__ == '__main__':
    run_tests()
