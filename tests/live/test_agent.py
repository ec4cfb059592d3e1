#!/usr/bin/env python3
"""Endpoints behind a line, whose every message the test writes and reads, on both sides."""
import signal

from harness.agent_world import INSIDE, OUTSIDE, AgentWorld
from harness.expect import expect, expect_equal
from harness.run import live_test, run_tests
from harness.talker import Leg, leg_of

FOLLOWS = {'reg.1.server.1.failOver.reRegisterOn': 1,
           'reg.1.server.1.failOver.failRegistrationOn': 1, 'reg.1.server.1.failOver.onlySignalWithRegistered': 1}


@live_test(AgentWorld)
def endpoint_registers(world):
    """AGENT-1 (part), AGENT-2: by digest, with a password that is not the line's; a wrong one is not taken."""
    taken = world.register(world.desk, 'desk')
    expect_equal('the answer to the right password', taken.kind, '200 REGISTER')
    expect(f'sip:desk@{world.desk.address}' in taken.header('Contact'), 'its Contact is there')
    expect_equal('to a wrong one', world.register(world.soft, 'soft', password='wrong').kind, '401 REGISTER')
    contacts = {row['user']: len(row['contacts']) for row in world.inside()['endpoints']}
    expect_equal('who is registered', contacts, {'desk': 1, 'soft': 0, 'pbx': 0})
    world.register(world.desk, 'desk', expires_s=0)
    expect_equal('after it left', world.inside()['endpoints'][0]['contacts'], [])


@live_test(AgentWorld)
def a_call_goes_out(world):
    """AGENT-3, AGENT-4: outside stands one plain phone, inside a proxy; all that happens in a call passes both ways."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact(), 'X-Odd:  kept \t as it is', 's: compact'])
    world.pbx.expect('100 INVITE')
    invite = world.server.expect('INVITE')
    expect_equal('Vias outside', len(invite.all('Via')), 1)
    expect_equal('Record-Route outside', invite.all('Record-Route'), [])
    expect(world.pbx.address not in invite.payload.decode(), 'no inside address goes out')
    expect(OUTSIDE in invite.header('Contact') and ';kl=' in invite.header('Contact'), "the Contact is the line's")
    expect(b'X-Odd:  kept \t as it is\r\n' in invite.payload, 'headers pass byte for byte')
    expect_equal('the Call-ID', invite.call_id, near.call_id)

    world.server.answer(invite, '407 No', ['Proxy-Authenticate: Digest realm="outside", nonce="n", qop="auth"'], 'x')
    world.server.expect('ACK')
    proven = world.server.expect('INVITE')
    expect('realm="outside"' in proven.header('Proxy-Authorization'), 'the line answers the challenge')
    expect_equal("the repeat's CSeq", proven.cseq, near.number + 1)

    far = world.leg_of(proven, 'far')
    world.server.answer(proven, '183 Wait', [far.contact(), 'Require: 100rel', 'RSeq: 7'], 'far')
    early = world.pbx.expect('183 INVITE')
    expect_equal("the far end's Contact inside", early.uri('Contact'), f'sip:bob@{world.server.address}')
    expect_equal('Record-Route inside', early.uri('Record-Route'), f'sip:{INSIDE};lr')
    near.learn(early)
    near.request('PRACK', [f'RAck: 7 {near.number - 0} INVITE'])
    prack = world.server.expect('PRACK')
    expect_equal('RAck names the INVITE as it went out', prack.header('RAck'), f'7 {proven.cseq} INVITE')
    world.server.answer(prack, '200 OK')
    world.pbx.expect('200 PRACK')

    world.server.answer(proven, '200 OK', [far.contact()], 'far')
    world.pbx.expect('200 INVITE')
    near.request('ACK', number=1)
    expect_equal('the ACK has the number of its INVITE', world.server.expect('ACK').cseq, proven.cseq)

    for method in 'INFO', 'UPDATE', 'REFER', 'MESSAGE', 'UNHEARD':
        near.request(method, [near.contact(), 'Refer-To: <sip:carol@example.test>'])
        went = world.server.expect_and_answer(method)
        expect(went.cseq > proven.cseq, f'CSeq of {method} grows')
        world.pbx.expect(f'200 {method}')
        far.request(method, [far.contact()])
        came = world.pbx.expect_and_answer(method)
        expect_equal(f'CSeq of {method} inside', came.cseq, far.number)
        world.server.expect(f'200 {method}')
    far.request('BYE')
    world.pbx.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    world.expect_quiet()


@live_test(AgentWorld)
def a_call_comes_in(world):
    """AGENT-2, AGENT-4: all endpoints of the line ring; of the two that answer at once each 2xx passes, the third is
    cancelled; a re-INVITE goes both ways."""
    world.register(world.desk, 'desk')
    world.register(world.soft, 'soft')
    far = world.invite_in()
    rings = [talker.expect('INVITE') for talker in (world.desk, world.soft, world.pbx)]
    expect_equal('the request URI', rings[0].first_line, f'INVITE sip:desk@{world.desk.address} SIP/2.0')
    for talker, ring in zip((world.desk, world.soft, world.pbx), rings):
        talker.answer(ring, '180 Ringing', [f'Contact: <sip:x@{talker.address}>'], f'tag{talker.address}')
        ringing = world.server.expect('180 INVITE')
        expect(OUTSIDE in ringing.header('Contact'), "the line's Contact outside")
        expect_equal('Record-Route outside', ringing.all('Record-Route'), [])
    near = leg_of(world.desk, rings[0], f'tag{world.desk.address}')
    world.desk.answer(rings[0], '200 OK', [near.contact()], f'tag{world.desk.address}')
    answered = world.server.expect('200 INVITE')
    for talker, ring in zip((world.soft, world.pbx), rings[1:]):
        talker.expect_and_answer('CANCEL')
        talker.answer(ring, '487 Gone', tag=f'tag{talker.address}')
        talker.expect('ACK')
    far.remote, far.target = answered.header('To'), answered.uri('Contact')
    far.request('ACK', number=far.number)
    world.desk.expect('ACK')

    for leg, asker, answerer in (far, world.server, world.desk), (near, world.desk, world.server):
        leg.request('INVITE', [leg.contact()])
        again = answerer.next()
        if again.kind == '100 INVITE':
            again = answerer.next()
        expect_equal('a re-INVITE passes', again.kind, 'INVITE')
        other = near if leg is far else far
        answerer.answer(again, '200 OK', [other.contact()])
        asker.expect('100 INVITE')
        asker.expect('200 INVITE')
        leg.request('ACK', number=leg.number)
        answerer.expect('ACK')
    near.request('BYE')
    world.server.expect_and_answer('BYE')
    world.desk.expect('200 BYE')
    world.expect_quiet()



@live_test(AgentWorld)
def a_cancel_crosses_an_answer(world):
    """AGENT-4, TIME-9 (part): the endpoint cancels while the far end answers: the endpoint sees 487, and the far end is
    acknowledged and hung up."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact()])
    branch = world.pbx.last_via
    world.pbx.expect('100 INVITE')
    invite = world.server.expect('INVITE')
    far = world.leg_of(invite, 'far')
    world.server.answer(invite, '180 Ringing', [far.contact()], 'far')
    world.pbx.expect('180 INVITE')
    near.request('CANCEL', number=1, via=branch)
    world.pbx.expect('200 CANCEL')
    world.server.answer(invite, '200 OK', [far.contact()], 'far')
    cancel = world.server.expect('CANCEL')
    world.server.answer(cancel, '200 OK', tag='far')
    came = {world.pbx.next().kind for _ in range(1)}
    expect(came == {'487 INVITE'}, 'the endpoint sees 487')
    world.server.expect('ACK')
    world.server.expect_and_answer('BYE')
    near.request('ACK', number=1, via=branch)
    world.expect_quiet()


@live_test(AgentWorld)
def a_cancel_goes_through(world):
    """AGENT-4: taken back by the endpoint, and by the far end."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact()])
    branch = world.pbx.last_via
    world.pbx.expect('100 INVITE')
    invite = world.server.expect('INVITE')
    world.server.answer(invite, '180 Ringing', [f'Contact: <sip:bob@{world.server.address}>'], 'far')
    world.pbx.expect('180 INVITE')
    near.request('CANCEL', number=1, via=branch)
    world.pbx.expect('200 CANCEL')
    world.server.expect_and_answer('CANCEL')
    world.server.answer(invite, '487 Cancelled', tag='far')
    world.server.expect('ACK')
    world.pbx.expect('487 INVITE')
    near.request('ACK', number=1, via=branch)
    far = world.invite_in()
    branch = world.server.last_via
    ring = world.pbx.expect('INVITE')
    world.pbx.answer(ring, '180 Ringing', [f'Contact: <sip:x@{world.pbx.address}>'], 'near')
    world.server.expect('180 INVITE')
    far.request('CANCEL', number=far.number, via=branch)
    world.server.expect('200 CANCEL')
    world.pbx.expect_and_answer('CANCEL')
    world.pbx.answer(ring, '487 Cancelled', tag='near')
    world.pbx.expect('ACK')
    world.server.expect('487 INVITE')
    world.expect_quiet()


@live_test(AgentWorld)
def messages_get_lost(world):
    """AGENT-4: what was lost on one side comes again on that side; a 2xx and its ACK are repeated end to end."""
    near = world.leg(world.pbx)
    sent = near.request('INVITE', [near.contact()])
    world.pbx.expect('100 INVITE')
    invite = world.server.expect('INVITE')
    near.talker.send_again(INSIDE, sent)
    world.server.expect_nothing()
    far = world.leg_of(invite, 'far')
    answer = world.server.answer(invite, '200 OK', [far.contact()], 'far')
    accepted = world.pbx.expect('200 INVITE')
    near.learn(accepted)
    world.pbx.seen.clear()
    world.server.send_again(invite.source, answer)
    expect_equal('the 200 again', world.pbx.expect('200 INVITE').payload, accepted.payload)
    ack = near.request('ACK', number=1)
    first = world.server.expect('ACK')
    near.talker.send_again(INSIDE, ack)
    second = world.server.next()
    expect_equal('the ACK again', second.cseq, first.cseq)
    bye = near.request('BYE')
    world.server.expect_and_answer('BYE')
    gone = world.pbx.expect('200 BYE')
    world.pbx.seen.clear()
    near.talker.send_again(INSIDE, bye)
    expect_equal('the 200 to BYE again', world.pbx.expect('200 BYE').payload, gone.payload)
    world.server.expect_nothing()
    world.expect_quiet()


@live_test(AgentWorld)
def a_bye_crosses_a_reinvite(world):
    """AGENT-4: each side gets its answers, and nothing is left."""
    near, far = world.call_out(world.pbx)
    near.request('INVITE', [near.contact()])
    far.request('BYE')
    again = world.server.expect('INVITE')
    bye = world.pbx.expect_kinds('100 INVITE', 'BYE')['BYE']
    world.pbx.answer(bye, '200 OK')
    world.server.expect('200 BYE')
    world.server.answer(again, '481 Gone')
    world.server.expect('ACK')
    world.pbx.expect('481 INVITE')
    world.expect_quiet()


@live_test(AgentWorld, server_count=2, parameters=FOLLOWS)
def only_the_taking_route_is_seen(world):
    """AGENT-5: 100 at once, then nothing of the server that refused, only the answer of the one that took the call; a
    MESSAGE the same."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact()])
    world.pbx.expect('100 INVITE')
    world.server.expect_and_answer('INVITE', '503 Down', tag='dead')
    world.server.expect('ACK')
    world.grant(world.second)
    invite = world.second.expect('INVITE')
    world.second.answer(invite, '200 OK', [f'Contact: <sip:bob@{world.second.address}>'], 'far')
    near.learn(world.pbx.expect('200 INVITE'))
    near.request('ACK', number=1)
    world.second.expect('ACK')
    near.request('BYE')
    world.second.expect_and_answer('BYE')
    world.pbx.expect('200 BYE')
    other = world.leg(world.pbx)
    other.request('MESSAGE')
    world.second.expect_and_answer('MESSAGE', '202 Taken', tag='m')
    world.pbx.expect('202 MESSAGE')
    world.expect_quiet()


@live_test(AgentWorld)
def the_last_refusal(world):
    """AGENT-5, AGENT-8: 503 of the last server goes in as 500; while no server answers, 503 with a time."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact()])
    branch = world.pbx.last_via
    world.pbx.expect('100 INVITE')
    world.server.expect_and_answer('INVITE', '603 Decline', ['X-Why: not now'], tag='far')
    world.server.expect('ACK')
    expect_equal('the answer passes as it is', world.pbx.expect('603 INVITE').header('X-Why'), 'not now')
    near.request('ACK', number=1, via=branch)
    other = world.leg(world.pbx)
    other.request('MESSAGE')
    world.server.expect_and_answer('MESSAGE', '503 Down', tag='far')
    world.pbx.expect('500 MESSAGE')


@live_test(AgentWorld)
def no_relay_for_strangers(world):
    """AGENT-9, AGENT-10: not for who is unknown inside, not for a foreign domain, not for a server that is none of the
    line's, not once the hops are used up."""
    stranger = world.leg(world.soft)
    stranger.request('INVITE', [stranger.contact()])
    world.soft.expect('407 INVITE')
    foreign = world.leg(world.pbx)
    foreign.target = 'sip:bob@elsewhere.test'
    foreign.request('MESSAGE')
    refused = world.pbx.expect('403 MESSAGE')
    expect('example.test' in refused.first_line, 'the reason says what to change')
    spent = world.leg(world.pbx)
    spent.request('MESSAGE', hops=0)
    world.pbx.expect('483 MESSAGE')
    unknown = world.leg(world.soft, call_id='unknown')
    unknown.remote += ';tag=guessed'
    unknown.request('BYE')
    world.soft.expect('407 BYE')

    outside = Leg(world.second, OUTSIDE, '<sip:x@y>;tag=1', '<sip:alice@example.test>', 'outside',
                  target=f'sip:alice@{OUTSIDE}')
    outside.request('INVITE', [outside.contact()])
    world.second.expect('403 INVITE')
    spent = Leg(world.server, OUTSIDE, '<sip:x@y>;tag=1', '<sip:alice@example.test>', 'hops',
                target=f'sip:alice@{OUTSIDE}')
    spent.request('MESSAGE', hops=0)
    world.server.expect('483 MESSAGE')
    secure = Leg(world.server, OUTSIDE, '<sip:x@y>;tag=1', '<sip:alice@example.test>', 'sips',
                 target=f'sip:carol@{OUTSIDE}')
    secure.request('MESSAGE')
    world.server.expect('404 MESSAGE')
    for talker in world.pbx, world.desk, world.server:
        talker.expect_nothing()


@live_test(AgentWorld)
def calls_outlive_a_crash(world):
    """AGENT-12: killed with two calls up, and started again: each can be hung up, one from either side; the numbers that
    go out jump by 1,000; the endpoint is registered still."""
    world.register(world.desk, 'desk')
    near, far = world.call_out(world.pbx)
    other_near, other_far = world.call_out(world.pbx, tag='other')
    world.phone.process.kill()
    world.start_phone()
    expect_equal('contacts of desk', len(world.inside()['endpoints'][0]['contacts']), 1)
    expect_equal('calls', world.inside()['call_count'], 2)
    near.request('BYE')
    bye = world.server.expect_and_answer('BYE')
    expect(bye.cseq > 1000, 'the number jumped')
    world.pbx.expect('200 BYE')
    other_far.request('BYE')
    world.pbx.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    expect(other_near.call_id != near.call_id and far.call_id == near.call_id, 'two calls')
    world.expect_quiet()


@live_test(AgentWorld, server_count=2, parameters=FOLLOWS)
def a_subscription_comes_back(world):
    """AGENT-6, AGENT-7: after a failover it is ended inside, so that the endpoint subscribes again, and lands on the other
    server; in the call whose server died 481 is said and nothing goes out."""
    near = world.leg(world.pbx, 'box')
    near.request('SUBSCRIBE', [near.contact(), 'Event: message-summary', 'Expires: 600'])
    subscribe = world.server.expect('SUBSCRIBE')
    far = world.leg_of(subscribe, 'far')
    world.server.answer(subscribe, '200 OK', [far.contact(), 'Expires: 600'], 'far')
    near.learn(world.pbx.expect('200 SUBSCRIBE'))
    far.request('NOTIFY', [far.contact(), 'Event: message-summary', 'Subscription-State: active;expires=600'])
    world.pbx.expect_and_answer('NOTIFY')
    world.server.expect('200 NOTIFY')
    call, _ = world.call_out(world.pbx, tag='call')

    message = world.leg(world.pbx)
    message.request('MESSAGE')
    world.server.expect_and_answer('MESSAGE', '503 Down', tag='dead')
    world.grant(world.second)
    world.second.expect_and_answer('MESSAGE', tag='m')
    came = world.pbx.expect_kinds('200 MESSAGE', 'NOTIFY')
    expect_equal('what the endpoint is told', came['NOTIFY'].header('Subscription-State'),
                 'terminated;reason=deactivated')
    expect(came['NOTIFY'].cseq > far.number, 'its number follows')
    world.pbx.answer(came['NOTIFY'], '200 OK')
    far.request('NOTIFY', [far.contact(), 'Event: message-summary', 'Subscription-State: active'])
    world.server.expect('481 NOTIFY')
    near.request('SUBSCRIBE', [near.contact(), 'Event: message-summary', 'Expires: 600'])
    world.pbx.expect('481 SUBSCRIBE')
    call.request('INVITE', [call.contact()])
    world.pbx.expect('481 INVITE')
    world.server.expect_nothing()
    world.second.expect_nothing(0.01)
    world.expect_quiet()


@live_test(AgentWorld)
def a_request_replaces_a_call(world):
    """AGENT-4: an INVITE with Replaces goes to the endpoint that holds the call, alone."""
    world.register(world.desk, 'desk')
    near, far = world.call_out(world.pbx)
    near_tag, far_tag = near.local.partition('tag=')[2], 'far'
    leg = Leg(world.server, OUTSIDE, '<sip:carol@example.test>;tag=c', '<sip:alice@example.test>', 'transfer',
              target=f'sip:alice@{OUTSIDE}', number=1)
    leg.request('INVITE', [leg.contact(),
                           f'Replaces: {far.call_id};to-tag={near_tag};from-tag={far_tag}'])
    world.server.expect('100 INVITE')
    ring = world.pbx.expect('INVITE')
    expect(ring.header('Replaces').startswith(near.call_id), 'Replaces as it came')
    world.pbx.answer(ring, '486 Busy', tag='busy')
    world.server.expect('486 INVITE')
    world.desk.expect_nothing()
    near.request('BYE')
    world.server.expect_kinds('BYE')


@live_test(AgentWorld)
def silence_ends_in_time(world):
    """AGENT-5: a non-INVITE that no server answers ends before the endpoint gives up, and without 408."""
    near = world.leg(world.pbx)
    near.request('MESSAGE')
    answer = world.pbx.next(31.5)
    expect_equal('the answer', answer and answer.kind, '503 MESSAGE')
    expect(int(answer.header('Retry-After')) > 0, 'it names a time')


ALICE = {'reg.1.address': None, 'reg.1.auth.userId': None, 'reg.1.auth.password': None, 'reg.1.server.1.address': None,
         'reg.1.server.1.transport': None, 'reg.2.address': 'alice', 'reg.2.server.1.address': 'example.test',
         'reg.2.server.1.transport': 'UDPOnly'}
BOB = {'reg.1.address': 'bob', 'reg.1.server.1.address': 'example.test', 'reg.1.server.1.transport': 'UDPOnly'}


@live_test(AgentWorld, parameters=ALICE)
def calls_outlive_a_reload(world):
    """AGENT-4, AGENT-12 (part): another line is put before the one that has a call, which goes on, and a new one is
    placed."""
    near, far = world.call_out(world.pbx)
    world.phone.configure({**ALICE, **BOB})
    world.phone.process.signal(signal.SIGHUP)
    expect('sip:bob@' in world.grant(world.server).header('To'), 'the new line registers')
    near.request('INFO')
    world.server.expect_and_answer('INFO')
    world.pbx.expect('200 INFO')
    far.request('BYE')
    world.pbx.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    near, far = world.call_out(world.pbx, tag='again')
    near.request('BYE')
    world.server.expect_and_answer('BYE')
    world.pbx.expect('200 BYE')
    in_again = world.invite_in()
    ring = world.pbx.expect('INVITE')
    world.pbx.answer(ring, '486 Busy', tag='busy')
    world.server.expect('486 INVITE')
    in_again.request('ACK', number=in_again.number)
    world.expect_quiet()


@live_test(AgentWorld, parameters={**BOB, 'reg.2.address': 'alice', 'reg.2.server.1.address': 'example.test',
                                   'reg.2.server.1.transport': 'UDPOnly'}, lines=2)
def a_call_between_two_lines(world):
    """AGENT-4: alice calls bob, who is behind the same agent: one Call-ID and one pair of tags, twice."""
    world.register(world.desk, 'desk', user='bob')
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact()])
    world.pbx.expect('100 INVITE')
    out = world.server.expect('INVITE')
    back = Leg(world.server, OUTSIDE, out.header('From'), out.header('To'), out.call_id,
               target=f'sip:bob@{OUTSIDE}', number=out.cseq - 1)
    back.request('INVITE', [back.contact()])
    came = world.server.expect('100 INVITE')
    ring = world.desk.expect('INVITE')
    world.desk.answer(ring, '200 OK', [f'Contact: <sip:bob@{world.desk.address}>'], 'bob')
    came = world.server.expect('200 INVITE')
    expect_equal('the Call-ID', came.call_id, near.call_id)
    world.server.answer(out, '200 OK', [back.contact()], 'bob')
    near.learn(world.pbx.expect_kinds('INVITE', '200 INVITE')['200 INVITE'])
    near.request('ACK', number=1)
    world.server.expect('ACK')
    back.remote, back.target = came.header('To'), came.uri('Contact')
    back.request('ACK', number=back.number)
    world.desk.expect_kinds('ACK')
    expect_equal('calls inside', world.inside()['call_count'], 2)
    near.request('BYE')
    world.server.expect_and_answer('BYE')
    world.pbx.expect('200 BYE')
    expect_equal('calls inside', world.inside()['call_count'], 1)
    back.request('BYE')
    world.desk.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    world.expect_quiet()


if __name__ == '__main__':
    run_tests()
