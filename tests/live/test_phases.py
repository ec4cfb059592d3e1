#!/usr/bin/env python3
"""The server of a call fails in each phase of it: before and after 100, after 180, in talk, on hold, at BYE. Each with
onlySignalWithRegistered on ("strict") and off ("lenient")."""
import signal

from harness.expect import expect, expect_equal
from harness.names import DOMAIN, srv_records
from harness.run import live_test, run_tests
from harness.talk import talking, wait_heard
from harness.waiting import wait_for
from harness.world import SERVERS

LENIENT = {'reg.1.server.1.failOver.reRegisterOn': 1, 'reg.1.server.1.failOver.onlySignalWithRegistered': 0}
STRICT = {'reg.1.server.1.failOver.reRegisterOn': 1, 'reg.1.server.1.failOver.failRegistrationOn': 1,
          'reg.1.server.1.failOver.onlySignalWithRegistered': 1}
TCP = {'records': srv_records(SERVERS, owner='_sip._tcp'), 'streams': True}
OVER_TCP = {'reg.1.server.1.transport': 'TCPOnly'}
RINGING = f'sip:ringing@{DOMAIN}'


def in_both(phase, **world_options):
    """Makes a test of a function of the world, the rules and whether they are strict, for each kind of rules."""
    for kind, rules in (('strict', STRICT), ('lenient', LENIENT)):
        def test(world, rules=rules):
            phase(world, rules, rules is STRICT)
        test.__name__, test.__doc__ = f'{phase.__name__}_{kind}', f'{phase.__doc__} ({kind})'
        live_test(**world_options)(test)
    return phase


def in_both_over_tcp(phase):
    return in_both(phase, **TCP)


def moved_away(world, phone, since_ms):
    """Another call finds the first server silent, and moves the line to the second one. When that was."""
    other = phone.call()
    phone.wait_state('registered', world.sbc2)
    accepted = world.wait_answered('REGISTER', 200, world.sbc2, since_ms=since_ms)
    world.wait_call_up(world.sbc2, since_ms)
    other.hang_up()
    expect_equal('exit status of the call that moved the line', other.wait(), 0)
    return accepted.at_ms


@in_both
def before_100(world, rules, _):
    """TIME-9, TIME-8 (part), FAIL-2 (part): the server is silent, and the call is placed through the second one. The first
    comes back, and its late answers make no second call: what rings there is cancelled, or ended with BYE."""
    phone = world.registered_phone(rules)
    world.sbc1.freeze()
    call = phone.call()
    phone.wait_state('registered', world.sbc2)
    up = world.wait_call_up(world.sbc2)
    left = world.sent('INVITE', world.sbc1)
    expect_equal('transactions at sbc1', len({packet.branch for packet in left}), 1)
    expect(max(packet.at_ms for packet in left) < up.at_ms, 'none was begun there later')
    back_ms = world.log.now_ms()
    world.sbc1.thaw()
    world.log.wait_one('CANCEL or BYE to sbc1', target=world.sbc1.address, since_ms=back_ms,
                       where=lambda packet: packet.method in ('CANCEL', 'BYE') and packet.status is None)
    if world.log.find(method='INVITE', status=200, source=world.sbc1.address, since_ms=back_ms):
        world.log.wait_one('the BYE of a late 200', method='BYE', target=world.sbc1.address, since_ms=back_ms)
    wait_for(lambda: 'the call is up' in call.output(), 'the call is up')
    expect(call.process.running, 'it stays so')
    since_ms = world.log.now_ms()
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    world.wait_answered('BYE', 200, world.sbc2, since_ms=since_ms)


@in_both_over_tcp
def after_100(world, rules, _):
    """TIME-7 (part), TRIG-4 (part): the stream breaks after a 100: nothing rings yet, so the call goes to the second
    server."""
    phone = world.registered_phone({**rules, **OVER_TCP})
    world.callees[0].process.signal(signal.SIGSTOP)
    call = phone.call()
    world.wait_answered('INVITE', 100, world.sbc1)
    world.sbc1.stop()
    world.wait_call_up(world.sbc2)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    world.wait_answered('BYE', 200, world.sbc2)


@in_both_over_tcp
def after_180(world, rules, _):
    """TIME-7 (part): the stream breaks after a 180: it rings somewhere, so the call fails, and is placed nowhere else."""
    phone = world.registered_phone({**rules, **OVER_TCP})
    call = phone.call(RINGING)
    world.wait_answered('INVITE', 180, world.sbc1)
    world.sbc1.stop()
    expect(call.wait() != 0, 'the call fails')
    expect_equal('INVITEs elsewhere', [world.sent('INVITE', other) for other in (world.sbc2, world.sbc3)], [[], []])


@in_both
def in_talk(world, rules, strict):
    """CALL-3, CALL-4, FAIL-5 (part), FAIL-6 (part): the server falls silent and the line moves; the far end is heard all the
    time. Hanging up is at once: strict says nothing to the old server, lenient sends it the BYE."""
    phone, call, recording = talking(world, rules)
    world.sbc1.freeze()
    moved_ms = moved_away(world, phone, world.log.now_ms())
    wait_heard(recording, recording.stat().st_size)
    hung_up_ms = world.log.now_ms()
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    if strict:
        world.log.expect_none('message to sbc1 since the move', 1.0, target=world.sbc1.address, since_ms=moved_ms)
    else:
        world.log.wait_one('BYE to sbc1', method='BYE', target=world.sbc1.address, since_ms=hung_up_ms)
    expect_equal('BYEs of the call elsewhere', [packet for packet in world.sent('BYE', world.sbc2, since_ms=hung_up_ms)], [])


@in_both
def on_hold(world, rules, strict):
    """CALL-3, FAIL-5 (part), FAIL-6 (part): the server falls silent while the call is on hold, the line moves, and the server
    comes back. Taken back, the call ends without a message where the rules are strict; lenient it goes on with the old
    server, and is heard."""
    phone, call, recording = talking(world, rules)
    held = world.sent('INVITE', world.sbc1)[-1]
    expect_equal('exit status of hold', phone.command('hold'), 0)
    wait_for(lambda: 'the call is on hold' in call.output(), 'the call is on hold')
    world.sbc1.freeze()
    number = next(row['call'] for row in phone.status()['lines'][0]['calls'])
    moved_ms = moved_away(world, phone, world.log.now_ms())
    world.sbc1.thaw()
    world.sbc1.wait_probed(200)
    before = recording.stat().st_size
    expect_equal('exit status of resume', phone.command('resume', number), 0)
    if strict:
        expect_equal('exit status of the call', call.wait(), 0)
        world.log.expect_none('message of the call to sbc1 since the move', 1.0, target=world.sbc1.address,
                              since_ms=moved_ms, where=lambda packet: packet.call_id == held.call_id)
        return
    wait_for(lambda: 'the call goes on' in call.output(), 'the call goes on')
    wait_heard(recording, before)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    world.wait_answered('BYE', 200, world.sbc1, since_ms=moved_ms)


@in_both
def at_bye(world, rules, _):
    """TRIG-10, CALL-4: the server is gone when its call is hung up. That is at once; the BYE finds nobody (ICMP), goes nowhere
    else, and moves the line."""
    phone = world.registered_phone(rules)
    call = phone.call()
    world.wait_call_up(world.sbc1)
    world.sbc1.stop()
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    world.wait_sent('BYE', world.sbc1)
    phone.wait_state('registered', world.sbc2)
    expect_equal('BYEs to sbc2', world.sent('BYE', world.sbc2), [])


if __name__ == '__main__':
    run_tests()
