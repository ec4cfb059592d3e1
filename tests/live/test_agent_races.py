#!/usr/bin/env python3
"""What crosses on its way through the agent, and what gets lost on one side of it."""
from harness.agent_world import OUTSIDE, AgentWorld
from harness.expect import expect_equal
from harness.run import live_test, run_tests
from harness.talker import Leg, leg_of
from harness.waiting import Failure, wait_for

CHALLENGE = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'


def expect_one_of(talker, *kinds):
    """The next message, which may be of any of these kinds."""
    message = talker.next()
    if message is None or message.kind not in kinds:
        raise Failure(f'expected at {talker.address} one of {kinds}, came: {message and message.payload}')
    print(f'  {talker.address}: {message.kind}')
    return message


def pracks(world, asker, answerer, leg, number, rseq, outside_number):
    """A provisional answer is acknowledged, in its own early dialog."""
    leg.request('PRACK', [f'RAck: {rseq} {number} INVITE'])
    prack = answerer.expect('PRACK')
    expect_equal('RAck on the other side', prack.header('RAck'), f'{rseq} {outside_number} INVITE')
    expect_equal('the dialog', (prack.tag('From'), prack.tag('To')), (leg.local.partition('tag=')[2], leg.remote_tag))
    answerer.answer(prack, '200 OK')
    asker.expect('200 PRACK')
    return prack


def early_leg(leg, answer):
    """The early dialog that ANSWER made, of who asked as LEG."""
    early = Leg(leg.talker, leg.hop, leg.local, answer.header('To'), leg.call_id, number=leg.number)
    early.learn(answer)
    early.remote_tag = answer.tag('To')
    return early


@live_test(AgentWorld)
def early_dialogs_outside(world):
    """AGENT-4: after credentials were asked for, two phones of the far end ring reliably: each has its PRACK and UPDATE; both
    answer, and each 2xx has its ACK and BYE."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact(), 'Supported: 100rel'])
    world.pbx.expect('100 INVITE')
    world.server.expect_and_answer('INVITE', '407 Prove', [CHALLENGE], 'x')
    world.server.expect('ACK')
    invite = world.server.expect('INVITE')
    expect_equal('its number outside', invite.cseq, near.number + 1)
    legs = []
    for tag, rseq in ('one', 11), ('two', 5005):
        world.server.answer(invite, '183 Wait', [f'Contact: <sip:{tag}@{world.server.address}>', 'Require: 100rel',
                                                 f'RSeq: {rseq}'], tag)
        legs.append(early_leg(near, world.pbx.expect('183 INVITE')))
    for leg, rseq in zip(reversed(legs), (5005, 11)):
        prack = pracks(world, world.pbx, world.server, leg, near.number, rseq, invite.cseq)
        expect_equal("the PRACK's number outside", prack.cseq, leg.number + 1)
        leg.request('UPDATE', [leg.contact()])
        expect_equal('the number of UPDATE', world.server.expect_and_answer('UPDATE').cseq, prack.cseq + 1)
        world.pbx.expect('200 UPDATE')
    for tag, leg in zip(('one', 'two'), legs):
        world.server.answer(invite, '200 OK', [f'Contact: <sip:{tag}@{world.server.address}>'], tag)
        expect_equal('whose answer', world.pbx.expect('200 INVITE').tag('To'), tag)
        leg.request('ACK', number=near.number)
        ack = world.server.expect('ACK')
        expect_equal('its ACK', (ack.tag('To'), ack.cseq), (tag, invite.cseq))
    for leg in legs:
        leg.request('BYE')
        expect_equal('its BYE', world.server.expect_and_answer('BYE').tag('To'), leg.remote_tag)
        world.pbx.expect('200 BYE')
    world.expect_quiet()


@live_test(AgentWorld)
def early_dialogs_inside(world):
    """AGENT-4: two endpoints ring reliably, and each has its own PRACK; one answers, the other is cancelled."""
    world.register(world.desk, 'desk')
    far = world.invite_in()
    invites = {talker: talker.expect('INVITE') for talker in (world.desk, world.pbx)}
    legs = {}
    for rseq, (talker, invite) in enumerate(invites.items(), 70):
        talker.answer(invite, '183 Wait', [f'Contact: <sip:x@{talker.address}>', 'Require: 100rel', f'RSeq: {rseq}'],
                      f't{rseq}')
        legs[talker] = early_leg(far, world.server.expect('183 INVITE'))
        prack = pracks(world, world.server, talker, legs[talker], far.number, rseq, far.number)
        expect_equal('where it goes', prack.first_line, f'PRACK sip:x@{talker.address} SIP/2.0')
    world.pbx.answer(invites[world.pbx], '200 OK', [f'Contact: <sip:x@{world.pbx.address}>'], 't71')
    world.server.expect('200 INVITE')
    world.desk.expect_and_answer('CANCEL')
    world.desk.answer(invites[world.desk], '487 Gone', tag='t70')
    world.desk.expect('ACK')
    legs[world.pbx].request('ACK', number=far.number)
    world.pbx.expect('ACK')
    legs[world.pbx].request('BYE')
    world.pbx.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    world.expect_quiet()


@live_test(AgentWorld)
def a_cancel_crosses_the_endpoints_answer(world):
    """AGENT-4: the far end cancels while the endpoint answers: its 200 passes all the same, and the far end hangs up."""
    far = world.invite_in()
    branch = world.server.last_via
    ring = world.pbx.expect('INVITE')
    near = leg_of(world.pbx, ring, 'near')
    world.pbx.answer(ring, '180 Ringing', [near.contact()], 'near')
    world.server.expect('180 INVITE')
    world.pbx.answer(ring, '200 OK', [near.contact()], 'near')
    far.request('CANCEL', number=far.number, via=branch)
    came = world.server.expect_kinds('200 CANCEL', '200 INVITE')
    far.learn(came['200 INVITE'])
    far.target = came['200 INVITE'].uri('Contact')
    far.request('ACK', number=far.number)
    far.request('BYE')
    for _ in range(2):
        message = expect_one_of(world.pbx, 'CANCEL', 'ACK', 'BYE')
        if message.kind != 'ACK':
            world.pbx.answer(message, '481 Gone' if message.kind == 'CANCEL' else '200 OK')
    if message.kind != 'BYE':
        world.pbx.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    world.expect_quiet()


@live_test(AgentWorld)
def a_cancel_waits_for_a_word(world):
    """AGENT-4: the endpoint takes its call back before the server said anything: the CANCEL waits for that (RFC 3261 9.1)."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact()])
    branch = world.pbx.last_via
    world.pbx.expect('100 INVITE')
    invite = world.server.expect('INVITE')
    near.request('CANCEL', number=1, via=branch)
    world.pbx.expect('200 CANCEL')
    world.server.expect_nothing(0.1)
    world.server.answer(invite, '180 Ringing', [f'Contact: <sip:bob@{world.server.address}>'], 'far')
    world.server.expect_and_answer('CANCEL')
    world.server.answer(invite, '487 Cancelled', tag='far')
    world.server.expect('ACK')
    expect_one_of(world.pbx, '180 INVITE', '487 INVITE')
    world.expect_quiet()


@live_test(AgentWorld)
def requests_cross_in_a_call(world):
    """AGENT-4: re-INVITEs of both sides (491 each), the far end's re-INVITE and the endpoint's BYE, and a BYE of each."""
    near, far = world.call_out(world.pbx)
    for leg in near, far:
        leg.request('INVITE', [leg.contact()])
    crossing = {talker: talker.expect_kinds('100 INVITE', 'INVITE')['INVITE'] for talker in (world.pbx, world.server)}
    for talker, invite in crossing.items():
        talker.answer(invite, '491 Pending', ['X-Why: glare'])
    for talker in world.pbx, world.server:
        came = talker.expect_kinds('ACK', '491 INVITE')
        expect_equal('its header', came['491 INVITE'].header('X-Why'), 'glare')

    far.request('INVITE', [far.contact()])
    near.request('BYE')
    world.server.answer(world.server.expect_kinds('100 INVITE', 'BYE')['BYE'], '200 OK')
    came = world.pbx.expect_kinds('INVITE', '200 BYE')
    world.pbx.answer(came['INVITE'], '481 Gone')
    world.pbx.expect('ACK')
    world.server.expect('481 INVITE')
    world.expect_quiet()

    near, far = world.call_out(world.pbx, tag='again')
    near.request('BYE')
    far.request('BYE')
    for talker in world.pbx, world.server:
        talker.expect_and_answer('BYE')
    for talker in world.pbx, world.server:
        expect_one_of(talker, '200 BYE', '481 BYE')
    world.expect_quiet()


@live_test(AgentWorld)
def each_side_repeats_its_own(world):
    """AGENT-4: the first copy of a request is lost on one side: it comes again there, the same bytes; the other side sees one
    answer, and no copy."""
    near, far = world.call_out(world.pbx)
    for leg, asker, answerer, other in (near, world.pbx, world.server, far), (far, world.server, world.pbx, near):
        for method in 'INFO', 'INVITE':
            leg.request(method, [leg.contact()])
            if method == 'INVITE':
                asker.expect('100 INVITE')
            lost = answerer.expect(method)
            answerer.seen.remove(lost.payload)
            again = answerer.expect(method)
            expect_equal(f'{method}, repeated', again.payload, lost.payload)
            answerer.answer(again, '200 OK', [other.contact()])
            asker.expect(f'200 {method}')
            if method == 'INVITE':
                leg.request('ACK', number=leg.number)
                answerer.expect('ACK')
            asker.expect_nothing(0.01)
    bye = far.request('BYE')
    world.pbx.expect_and_answer('BYE')
    gone = world.server.expect('200 BYE')
    world.server.seen.clear()
    world.server.send_again(OUTSIDE, bye)
    expect_equal('the 200 to BYE again', world.server.expect('200 BYE').payload, gone.payload)
    world.pbx.expect_nothing()
    world.expect_quiet()


@live_test(AgentWorld)
def a_stray_ack_goes_nowhere(world):
    """AGENT-10 (part): an ACK of no call and no transaction, from either side: nobody gets it, and nothing is kept."""
    far = world.invite_in()
    ring = world.pbx.expect('INVITE')
    world.pbx.answer(ring, '486 Busy', tag='busy')
    world.pbx.expect('ACK')
    world.server.expect('486 INVITE')
    far.request('ACK', number=far.number + 1)
    near = world.leg(world.pbx)
    near.request('ACK')
    world.pbx.expect_nothing()
    world.server.expect_nothing(0.01)
    wait_for(lambda: world.inside()['requests'] <= 1, 'no more than the INVITE is kept')


if __name__ == '__main__':
    run_tests()
