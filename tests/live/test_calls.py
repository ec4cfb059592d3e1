#!/usr/bin/env python3
"""Calls that come, from SIPp through Kamailio, as callers of all kinds make them; and calls of two phones with each
other, with audio.

CALL-2: here they come through each of two servers that the line is registered with. FAIL-5 for those that come is in
tests/phone/incoming_test.c, strangers and the policy for them in test_bad_input.py and call-02-strangers.txt."""
from pathlib import Path

from harness.audio import hears, loudness
from harness.expect import expect, expect_equal
from harness.phone import Phone, run_program
from harness.run import live_test, run_tests
from harness.waiting import Process, udp_is_bound, wait_for
from harness.world import PHONE_ADDRESS

PEERS = Path(__file__).resolve().parent / 'peers'
ANSWERS = 'incoming: answer, answer_after: 200ms'
CALLER_ADDRESS = '127.0.4.1'
BOTH_SERVERS = {'reg.1.server.1.address': '127.0.1.1', 'reg.1.server.2.address': '127.0.1.2',
                'reg.1.server.2.transport': 'UDPOnly'}


def phone_with(world, calls, parameters=None):
    """A registered phone whose line deals with its calls as CALLS says."""
    native = world.folder / 'calls.yaml'
    native.write_text(f'lines:\n  - line: 1\n    calls: {{{calls}}}\n')
    return world.registered_phone(parameters, [native])


def start_caller(world, kind, registrar, number=1):
    caller = Process(f'{kind}-{number}', ['sipp', '-sf', PEERS / f'{kind}.xml', '-i', CALLER_ADDRESS, '-p',
                                          5060 + 10 * number, '-m', 1, '-nostdin', registrar.route], world.folder)
    caller.start()
    return caller


def expect_no_calls(phone):
    wait_for(lambda: phone.counter('calls') == 0, 'the phone has no call any more')


@live_test()
def two_phones_hear_each_other(world):
    """CALL-1 (part), CALL-3 (part): one phone calls another, which plays a tone; it is heard, also after the server of
    the call fell silent and both lines moved."""
    moves = {'reg.1.server.1.failOver.reRegisterOn': 1}
    called = phone_with(world, f'{ANSWERS}, tone: 440', moves)
    caller = Phone(world.folder, {**moves, 'reg.1.address': 'bob', 'reg.1.auth.userId': 'bob'}, 'phone2',
                   bind='127.0.0.2:5070')
    world.phones.append(caller)
    caller.start()
    caller.wait_state('registered', world.sbc1)
    heard = world.folder / 'heard.wav'
    call = caller.call('alice', ['--record', heard, '--tone', '600'])
    wait_for(lambda: hears(heard, 440), 'the tone of the phone that was called is heard')
    expect(loudness(heard, 600) < 0.1, "the caller's own tone is not heard there")

    world.sbc1.freeze()
    other = caller.call()
    caller.wait_state('registered', world.sbc2)
    before = heard.stat().st_size
    wait_for(lambda: heard.stat().st_size > before + 32000 and hears(heard, 440), 'the tone is heard after the move')
    other.hang_up()
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect(called.counter('calls') == 1, 'the one that was called knows nothing of it: the server is silent')


@live_test()
def held_by_command(world):
    """CALL-1 (part): a call that was placed is held, taken back and hung up by commands."""
    phone = world.registered_phone()
    world.callees[0].stop()
    callee = Process('callee-is-held', ['sipp', '-sf', PEERS / 'callee_is_held.xml', '-i', world.callees[0].address,
                                        '-p', 5060, '-m', 1, '-nostdin'], world.folder)
    callee.start()
    wait_for(lambda: udp_is_bound(world.callees[0].address, 5060), 'the callee listens')
    call = phone.call()
    wait_for(lambda: 'the call is up' in call.output(), 'the call is up')
    for command, says in (('hold', 'the call is on hold'), ('resume', 'the call goes on'), ('hangup', 'hung up')):
        status, output = run_program(command, '--control', phone.control)
        expect_equal(f'exit status of {command}, which wrote "{output.strip()}"', status, 0)
        wait_for(lambda text=says: text in call.output(), f'the caller is told: {says}')
    expect_equal('exit status of the callee', callee.wait(), 0)


@live_test()
def caller_holds(world):
    """CALL-1 (part), CALL-2 (part): a call is answered, held, taken back with an offer of ours, refreshed, and hung
    up."""
    phone = phone_with(world, ANSWERS)
    expect_equal('exit status of the caller', start_caller(world, 'caller_holds', world.sbc1).wait(), 0)
    expect_no_calls(phone)
    answer = world.log.wait_one('200 to INVITE', method='INVITE', status=200, source=PHONE_ADDRESS)
    expect_equal('its session timer', answer.header('Session-Expires'), '600;refresher=uas')


@live_test()
def caller_pracks(world):
    """CALL-1 (part): a caller that requires 100rel and leaves the offer to us (RFC 3262)."""
    phone = phone_with(world, ANSWERS)
    expect_equal('exit status of the caller', start_caller(world, 'caller_pracks', world.sbc1).wait(), 0)
    expect_no_calls(phone)


@live_test()
def caller_cancels(world):
    """CALL-1 (part): a caller that gives up while it rings."""
    phone = phone_with(world, 'incoming: ring')
    expect_equal('exit status of the caller', start_caller(world, 'caller_cancels', world.sbc1).wait(), 0)
    expect_no_calls(phone)


@live_test()
def calls_from_both_servers(world):
    """FALL-1 (part), CALL-2 (part): a line is registered with two servers at once, and takes calls from both."""
    phone = phone_with(world, ANSWERS, BOTH_SERVERS)
    wait_for(lambda: phone.entry(entry=2).get('state') == 'registered', 'the second entry is registered')
    callers = [start_caller(world, 'caller_holds', registrar, number)
               for number, registrar in enumerate((world.sbc1, world.sbc2), 1)]
    for caller in callers:
        expect_equal('exit status of the caller', caller.wait(), 0)
    expect_no_calls(phone)


@live_test()
def server_dies_in_talk(world):
    """FAIL-5 (part), CALL-3 (part), CALL-4 (part): the server of a call that came dies, and the line moves: the call and
    its audio go on until the phone has to signal, and then it ends without a message to that server."""
    phone = phone_with(world, ANSWERS, {'reg.1.server.1.failOver.reRegisterOn': 1,
                                                   'reg.1.server.1.failOver.failRegistrationOn': 1,
                                                   'reg.1.server.1.failOver.onlySignalWithRegistered': 1})
    caller = start_caller(world, 'caller_talks', world.sbc1)
    world.log.wait_one('the ACK of the caller', method='ACK', target=PHONE_ADDRESS)
    world.sbc1.freeze()
    call = phone.call()
    phone.wait_state('registered', world.sbc2)
    world.log.wait_one('audio after the move', target=f'{CALLER_ADDRESS}:6000', since_ms=world.log.now_ms())
    call.hang_up()
    wait_for(lambda: phone.counter('calls') == 1, 'the call that came is still there')
    expect_equal('exit status', phone.leave(), 0)
    expect_equal('BYE to the dead server', world.sent('BYE', world.sbc1), [])
    caller.kill()


if __name__ == '__main__':
    run_tests()
