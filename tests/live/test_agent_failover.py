#!/usr/bin/env python3
"""The server of an endpoint's call fails in each phase of it: before and after 100, after 180, in talk, on hold, at BYE. Each
with onlySignalWithRegistered on ("strict") and off ("lenient")."""
import signal

from harness.agent_world import AgentWorld
from harness.behind import INSIDE, NATIVE, expect_over, phone_inside
from harness.expect import expect, expect_equal
from harness.names import srv_records
from harness.run import live_test, run_tests
from harness.talker import Talker
from harness.world import SERVERS, World

LENIENT = {'reg.1.server.1.failOver.reRegisterOn': 1, 'reg.1.server.1.failOver.onlySignalWithRegistered': 0}
STRICT = {'reg.1.server.1.failOver.reRegisterOn': 1, 'reg.1.server.1.failOver.failRegistrationOn': 1,
          'reg.1.server.1.failOver.onlySignalWithRegistered': 1}
PBX = '127.0.5.1:5060'
MOVE_S = 10
SDP = b'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n'


def in_both(phase, make_world=AgentWorld):
    """Makes a test of a function of the world and whether the rules are strict, for each kind of rules."""
    for kind, rules in (('strict', STRICT), ('lenient', LENIENT)):
        def test(world, rules=rules):
            phase(world, rules is STRICT)
        test.__name__, test.__doc__ = f'{phase.__name__}_{kind}', f'{phase.__doc__} ({kind})'
        live_test(make_world, server_count=2, parameters=rules)(test)
    return phase


class StreamWorld(World):
    """Kamailio over TCP, and an endpoint at an address of its own that the test plays."""

    def __init__(self, folder, parameters, server_count):
        super().__init__(folder, srv_records(dict([*SERVERS.items()][:server_count]), owner='_sip._tcp'), streams=True)
        self.parameters = {**parameters, 'reg.1.server.1.transport': 'TCPOnly'}

    def __enter__(self):
        super().__enter__()
        self.pbx = Talker(PBX)
        self.agent = phone_inside(self, self.parameters, NATIVE + f'    - {{{{user: pbx, address: "{self.pbx.address}"}}}}\n')
        return self

    def __exit__(self, *_):
        self.pbx.close()
        super().__exit__()

    inside_hop, leg = INSIDE, AgentWorld.leg

    def invite(self, user):
        near = self.leg(self.pbx, user)
        near.request('INVITE', [near.contact(), 'Content-Type: application/sdp'], body=SDP)
        self.pbx.expect('100 INVITE')
        return near


def over_streams(phase):
    return in_both(phase, StreamWorld)


def answered_elsewhere(world, near):
    """The second server is registered at, and takes the call: the far leg there."""
    world.grant(world.second)
    invite = world.second.expect('INVITE')
    expect_equal('the Call-ID there', invite.call_id, near.call_id)
    far = world.leg_of(invite, 'second', world.second)
    world.second.answer(invite, '200 OK', [far.contact()], 'second')
    near.learn(world.pbx.expect('200 INVITE'))
    near.request('ACK', number=near.number)
    world.second.expect('ACK')
    return far


def ends_at(world, near, server):
    near.request('BYE')
    server.expect_and_answer('BYE')
    world.pbx.expect('200 BYE')
    world.expect_quiet()


def moved_away(world):
    """Another request finds the first server out of order, and moves the line."""
    other = world.leg(world.pbx)
    other.request('MESSAGE')
    world.server.expect_and_answer('MESSAGE', '503 Down', tag='dead')
    world.grant(world.second)
    world.second.expect_and_answer('MESSAGE', tag='m')
    world.pbx.expect('200 MESSAGE')


def is_refused(world, near, method, status):
    """Strict: it ends inside, and nothing leaves for either server."""
    near.request(method, [near.contact()])
    if method == 'INVITE':
        world.pbx.expect('481 INVITE')
    else:
        world.pbx.expect(f'{status} {method}')
    world.expect_quiet()
    world.server.expect_nothing()
    world.second.expect_nothing(0.01)


@in_both
def before_100(world, _):
    """AGENT-5, TIME-9 (part): the server is silent; the call is placed through the second one, and the endpoint sees that
    one's answer alone. The first comes back: what it answers late is acknowledged and hung up outside."""
    near = world.leg(world.pbx)
    near.request('INVITE', [near.contact()])
    world.pbx.expect('100 INVITE')
    invite = world.server.expect('INVITE')
    answered_elsewhere(world, near)
    world.server.answer(invite, '200 OK', [f'Contact: <sip:bob@{world.server.address}>'], 'late')
    world.server.expect_kinds('ACK', 'BYE')
    world.pbx.expect_nothing()
    ends_at(world, near, world.second)


@over_streams
def after_100(world, _):
    """AGENT-5, TIME-7 (part): the stream breaks after the server's 100: nothing rings yet, so the call goes to the second
    one. The endpoint has seen 100 alone."""
    world.callees[0].process.signal(signal.SIGSTOP)
    near = world.invite('bob')
    world.wait_answered('INVITE', 100, world.sbc1)
    world.sbc1.stop()
    near.learn(world.pbx.expect('200 INVITE', MOVE_S, besides=['180 INVITE']))  # one may overtake the other in Kamailio
    near.request('ACK', number=near.number)
    world.wait_call_up(world.sbc2)
    near.request('BYE')
    world.pbx.expect('200 BYE', besides=['180 INVITE'])
    expect_over(world.agent)


@over_streams
def after_180(world, _):
    """AGENT-5, AGENT-6, TIME-7 (part): the stream breaks after a 180: it rings somewhere, so the call fails, and is placed
    nowhere else. A request in the early dialog finds it gone."""
    near = world.invite('ringing')
    branch = world.pbx.last_via
    target = near.target
    near.learn(world.pbx.expect('180 INVITE'))
    near.target = target  # Kamailio's own 180 has no Contact
    world.sbc1.stop()
    world.pbx.expect('500 INVITE', MOVE_S)
    near.request('ACK', number=near.number, via=branch)
    near.request('UPDATE', [near.contact()])
    world.pbx.expect('481 UPDATE')
    expect_equal('INVITEs elsewhere', world.sent('INVITE', world.sbc2), [])
    expect_over(world.agent)


@in_both
def in_talk(world, strict):
    """AGENT-6, FAIL-5 (part), FAIL-6 (part): the line moves while the call is up. Strict: the endpoint's BYE is answered here
    and the far end's with 481. Lenient: both pass, to and from the old server."""
    calls = [world.call_out(world.pbx, tag=tag) for tag in ('one', 'two')]
    moved_away(world)
    (_, far), (near, _) = calls
    far.request('BYE')
    if strict:
        world.server.expect('481 BYE')
        calls[0][0].request('BYE')
        world.pbx.expect('200 BYE')
        is_refused(world, near, 'BYE', 200)
        return
    world.pbx.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    ends_at(world, near, world.server)


@in_both
def on_hold(world, strict):
    """AGENT-6, FAIL-5 (part), FAIL-6 (part): the line moves while the call is on hold. Taken back, it ends with 481 and no
    message leaves (strict), or goes on with the old server (lenient)."""
    near, far = world.call_out(world.pbx)
    near.request('INVITE', [near.contact(), 'Content-Type: application/sdp'], body=b'v=0\r\na=sendonly\r\n')
    world.server.expect_and_answer('INVITE', headers=[far.contact()])
    world.pbx.expect('100 INVITE')
    world.pbx.expect('200 INVITE')
    near.request('ACK', number=near.number)
    world.server.expect('ACK')
    moved_away(world)
    if strict:
        is_refused(world, near, 'INVITE', 481)
        return
    near.request('INVITE', [near.contact()])
    world.server.expect_and_answer('INVITE', headers=[far.contact()])
    world.pbx.expect('100 INVITE')
    world.pbx.expect('200 INVITE')
    near.request('ACK', number=near.number)
    world.server.expect('ACK')
    ends_at(world, near, world.server)


@in_both
def at_bye(world, _):
    """TRIG-10, AGENT-6: the server is gone when the endpoint hangs up. The BYE finds nobody (ICMP) and goes nowhere else, the
    endpoint is told, and the line moves."""
    near, _ = world.call_out(world.pbx)
    world.server.close()
    near.request('BYE')
    world.pbx.expect('503 BYE')
    world.grant(world.second)
    world.second.expect_nothing()
    world.expect_quiet()


if __name__ == '__main__':
    run_tests()
