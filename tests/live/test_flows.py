#!/usr/bin/env python3
"""Call flows and races, with a far end behind Kamailio that plays its part step by step (SIPp).

CALL-1: here calls are placed, cancelled, hung up, held and resumed, with early media and PRACK, re-INVITE and UPDATE from
the far end, and session timers. Answering is in test_calls.py, rejecting in tests/phone/incoming_test.c, sessions that are
refreshed or expire as time goes by in tests/phone/change_test.c."""
from harness.expect import expect, expect_equal
from harness.run import live_test, run_tests
from harness.scenario import ScriptedCallee, answered, invite, recv, reply, request, sdp
from harness.waiting import wait_for

UP, HELD = 'the call is up', 'the call is on hold'
FAR_HELD, FAR_BACK = 'the far end holds the call', 'the far end is back'
ALLOW = 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK'
OK = reply(200, tagged=True)
BYE_COMES = recv('BYE'), OK
IS_UP = invite(), reply(180), reply(200, ALLOW, body=sdp()), recv('ACK')
UPDATE_WITH_HOLD = request('UPDATE', 12, body=sdp('sendonly', 3)), answered(200, ('body', 'a=recvonly'))

# Per flow: the rule, what the far end does, and what happens here meanwhile: a text that the call's output has to have, or
# a command.
FLOWS = {
    'cancel_meets_200': (
        'RFC 3261 9.1, 13.2.2.4: the answer crosses our CANCEL: it is acknowledged, and ended',
        (invite(), reply(180), recv('CANCEL'), reply(200), reply(200, to_invite=True, body=sdp()), recv('ACK'), *BYE_COMES),
        ('180 Ringing', 'hangup')),
    'far_end_holds': (
        'RFC 3261 14.2, RFC 3311: the far end holds by re-INVITE and comes back by one that leaves the offer to us; holds by '
        'UPDATE, and ends the call',
        (*IS_UP, request('INVITE', 10, body=sdp('sendonly', 2)), answered(200, ('body', 'a=recvonly')), request('ACK', 10),
         request('INVITE', 11), answered(200, ('body', 'm=audio')), request('ACK', 11, body=sdp('sendrecv', 2)),
         *UPDATE_WITH_HOLD, request('BYE', 13, 'Reason: Q.850;cause=16'), answered(200)),
        (UP, FAR_HELD, FAR_BACK, 'the far end hung up')),
    'glare': (
        'RFC 3261 14.1: both ask at once, and each refuses the other with 491; ours is tried again',
        (*IS_UP, recv('INVITE', ('body', 'a=sendonly')), reply(491, tagged=True), recv('ACK'),
         recv('INVITE', ('body', 'a=sendonly')), reply(200, tagged=True, body=sdp('recvonly', 2)), recv('ACK'), *BYE_COMES),
        (UP, 'hold', HELD, 'hangup')),
    'longer_session': (
        'RFC 4028 7.3, 7.2: 422 is answered with a new INVITE that asks for more; the far end grants it',
        (invite(), reply(422, 'Min-SE: 3600'), recv('ACK'), recv('INVITE', ('Session-Expires', '3600'), ('Min-SE', '3600')),
         reply(200, 'Require: timer', 'Session-Expires: 3600;refresher=uas', body=sdp()), recv('ACK'), *BYE_COMES),
        (UP, 'hangup')),
    'refreshed_by_far_end': (
        'RFC 4028 9: the far end refreshes the session, by UPDATE and by re-INVITE; the answers say who refreshes',
        (invite(), reply(200, 'Require: timer', 'Session-Expires: 90;refresher=uas', body=sdp()), recv('ACK'),
         request('UPDATE', 10, 'Session-Expires: 90;refresher=uac', 'Supported: timer'), answered(200),
         request('INVITE', 11, 'Session-Expires: 90;refresher=uac', 'Supported: timer', body=sdp()), answered(200),
         request('ACK', 11), *BYE_COMES),
        (UP, 'hangup')),
    'refused_reason': (
        'RFC 3261 13.2.2.3: a refusal is acknowledged, and ends the call with its status',
        (invite(), reply(180), reply(603), recv('ACK')),
        ('603',)),
    'reliable_early_media': (
        'RFC 3262: the answer comes in a reliable 183, which gets its PRACK; the 200 has none',
        (invite(), reply(183, 'Require: 100rel', 'RSeq: 7', ALLOW, body=sdp()), recv('PRACK', ('RAck', '7 1 INVITE')), OK,
         reply(200, ALLOW, to_invite=True), recv('ACK'), *BYE_COMES),
        (UP, 'hangup')),
    'two_answers': (
        'RFC 3261 13.2.2.4: a fork answers twice: the first 200 is the call, the second one gets ACK and BYE',
        (invite(), reply(200, tag='a', body=sdp()), recv('ACK'), reply(200, tag='b', to_invite=True, body=sdp()), recv('ACK'),
         recv('BYE', ('To', 'tag=b'), ('Reason', 'elsewhere')), OK, recv('BYE', ('To', 'tag=a')), OK),
        (UP, 'seen BYE', 'hangup')),
}


def play(world, steps, events):
    phone = world.registered_phone()
    world.callees[0].stop()
    callee = ScriptedCallee('scripted', world.callees[0].address, world.folder, steps)
    callee.start()
    call = phone.call()
    for event in events:
        if event in ('hold', 'resume', 'hangup'):
            expect_equal(f'exit status of {event}', phone.command(event), 0)
        elif event.startswith('seen '):
            world.wait_sent(event.partition(' ')[2], world.sbc1)
        else:
            wait_for(lambda text=event: text in call.output(), f'the caller is told: {event}')
    expect_equal('exit status of the far end', callee.wait(), 0)
    call.wait()
    wait_for(lambda: phone.counter('calls') == 0, 'the phone has no call any more')


def make_test(name, rule, steps, events):
    def test(world):
        play(world, steps, events)
    test.__name__, test.__doc__ = name, f'CALL-1 (part): {rule}.'
    live_test()(test)


for flow, (of_rule, of_far_end, here) in FLOWS.items():
    make_test(flow, of_rule, of_far_end, here)


@live_test()
def redirected(world):
    """CALL-1 (part), TRIG-9 (part): the far end is elsewhere (302): the call goes there, past the server."""
    phone = world.registered_phone()
    world.callees[0].stop()
    moved = ScriptedCallee('moved', world.callees[0].address, world.folder,
                           (invite(), reply(302).replace('bob@[local_ip]:[local_port]', f'bob@{world.callees[1].route}'),
                            recv('ACK')))
    moved.start()
    call = phone.call()
    wait_for(lambda: UP in call.output(), 'the call is up')
    expect_equal('exit status of the one that was called', moved.wait(), 0)
    since_ms = world.log.now_ms()
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    world.log.wait_one('BYE to where it is', method='BYE', target=world.callees[1].address, since_ms=since_ms)


@live_test()
def several_calls(world):
    """CALL-1 (part): a line has several calls; each is held and ended by itself."""
    phone = world.registered_phone()
    calls = [phone.call() for _ in range(3)]
    for call in calls:
        wait_for(lambda call=call: UP in call.output(), 'the call is up')
    expect_equal('calls', phone.counter('calls'), 3)
    calls[1].hang_up()
    expect_equal('exit status of the call', calls[1].wait(), 0)
    wait_for(lambda: phone.counter('calls') == 2, 'two calls are left')
    expect(calls[0].process.running and calls[2].process.running, 'the others go on')
    for call in calls[0], calls[2]:
        call.hang_up()
        expect_equal('exit status of the call', call.wait(), 0)


@live_test(presence=True)
def refresh_finds_481(world):
    """SUBS-2 (part): the server has lost its subscriptions: the refresh gets 481, and a new subscription is made in a new
    dialog. An event that the server does not have gets 489, and is not asked for again."""
    native = world.folder / 'wanted.yaml'
    native.write_text('lines:\n  - line: 1\n    subscriptions:\n      - {event: message-summary, expires: 10s}\n'
                      '      - {event: nonesuch}\n')
    phone = world.registered_phone(options=[native])
    phone.wait_subscription('message-summary', lambda row: row['state'] == 'active')
    phone.wait_subscription('nonesuch', lambda row: row['state'] == 'ended')
    first = world.log.wait_one('the dialog', method='NOTIFY', source=world.sbc1.address).call_id
    world.sbc1.restart()
    back_ms = world.log.now_ms()
    refused = world.wait_answered('SUBSCRIBE', 481, world.sbc1, since_ms=back_ms, within_s=30)
    expect_equal('the dialog of the refresh', refused.call_id, first)
    anew = world.log.wait_one('NOTIFY in a new dialog', method='NOTIFY', source=world.sbc1.address, since_ms=refused.at_ms,
                              where=lambda packet: packet.call_id != first)
    phone.wait_subscription('message-summary', lambda row: row['state'] == 'active')
    asked = [packet for packet in world.sent('SUBSCRIBE') if packet.header('Event') == 'nonesuch']
    expect_equal('SUBSCRIBEs for it, credentials apart', len({packet.call_id for packet in asked}), 1)
    expect(anew.at_ms > refused.at_ms, 'in that order')


if __name__ == '__main__':
    run_tests()
