#!/usr/bin/env python3
"""Endpoints behind a line, whose every message the test writes and reads, on both sides."""
from harness.agent_world import INSIDE, OUTSIDE, PASSWORD, AgentWorld
from harness.expect import expect, expect_equal
from harness.run import live_test, run_tests
from harness.talker import leg_of, prove


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
        again = answerer.next(5)
        if again.kind == '100 INVITE':
            again = answerer.next(5)
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


if __name__ == '__main__':
    run_tests()
