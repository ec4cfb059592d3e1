#!/usr/bin/env python3
"""SIGHUP: lines that did not change go on, against Kamailio."""
from harness.expect import expect, expect_equal
from harness.phone import ACCOUNT
from harness.run import live_test, run_tests
from harness.waiting import wait_for

CAROL = {**{name.replace('reg.1.', 'reg.2.'): value for name, value in ACCOUNT.items()},
         'reg.2.address': 'carol', 'reg.2.auth.userId': 'carol'}
SHORT_GRANT_S = 10


def sent_by(world, user, since_ms=0):
    """The REGISTERs of one line."""
    return [packet for packet in world.sent('REGISTER', since_ms=since_ms) if f'sip:{user}@' in packet.header('To')]


def two_lines_registered(world):
    phone = world.registered_phone(CAROL)
    wait_for(lambda: phone.entry(line=2).get('state') == 'registered', 'line 2 is registered')
    return phone


@live_test()
def changed_line_starts_anew(world):
    """REG-5 (part), REG-1 (part): of two lines one changes: it unregisters, then registers with another Call-ID. The other
    keeps its binding, its Call-ID and its call, and sends nothing."""
    phone = two_lines_registered(world)
    first = sent_by(world, 'carol')[0]
    contact = next(contact for contact in world.sbc1.contacts() if 'alice' in contact)
    call = phone.call()
    world.wait_call_up(world.sbc1)
    reloading_ms = world.log.now_ms()
    phone.reload({**CAROL, 'reg.2.server.1.expires': 600})
    wait_for(lambda: [packet for packet in sent_by(world, 'carol', reloading_ms) if packet.call_id != first.call_id],
             'carol registers anew')
    wait_for(lambda: phone.entry(line=2).get('state') == 'registered', 'line 2 is registered')
    last = sent_by(world, 'carol', reloading_ms)[0]
    expect(last.asks_to_leave, 'the first REGISTER since then asks for 0 s')
    expect_equal('its Call-ID', last.call_id, first.call_id)
    expect(contact in world.sbc1.contacts(), "alice's contact is there")
    expect_equal('number of contacts', len(world.sbc1.contacts()), 2)
    call.hang_up()
    world.wait_answered('BYE', 200, world.sbc1, since_ms=reloading_ms)
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal("alice's REGISTERs since then", sent_by(world, 'alice', reloading_ms), [])


@live_test(expires_max_s=SHORT_GRANT_S)
def refresh_after_reload(world):
    """REG-1 (part), TRIG-8 (part): the refresh after a reload has the Call-ID of before, and credentials at once; a line
    that is not in the file any more is unregistered, once."""
    phone = two_lines_registered(world)
    call_id = sent_by(world, 'alice')[0].call_id
    reloading_ms = world.log.now_ms()
    phone.reload()
    wait_for(lambda: sent_by(world, 'alice', reloading_ms), "alice's refresh", SHORT_GRANT_S)
    refresh = sent_by(world, 'alice', reloading_ms)[0]
    expect_equal('its Call-ID', refresh.call_id, call_id)
    expect('response=' in refresh.header('Authorization'), 'it carries credentials')
    left = sent_by(world, 'carol', reloading_ms)
    expect(left and all(packet.asks_to_leave for packet in left), 'carol only leaves')
    expect(not any('carol' in contact for contact in world.sbc1.contacts()), 'carol is gone')
    expect_equal('lines in the status', len(phone.status()['lines']), 1)


@live_test()
def bad_file(world):
    """CONF-1 (part): a file with an error changes nothing, and the log says so; the next good one counts."""
    phone = two_lines_registered(world)
    reloading_ms = world.log.now_ms()
    phone.reload({**CAROL, 'reg.2.server.1.address': None}, says='nothing is changed')
    expect_equal('lines in the status', len(phone.status()['lines']), 2)
    phone.reload(CAROL)
    expect_equal('REGISTERs since then', world.sent('REGISTER', since_ms=reloading_ms), [])
    expect_equal('exit status of the phone', phone.leave(), 0)
    expect_equal('contacts at sbc1', world.sbc1.contacts(), [])


if __name__ == '__main__':
    run_tests()
