#!/usr/bin/env python3
"""Another configuration for who is behind a line, read while calls are up."""
import signal

from harness.agent_world import INSIDE, PASSWORD, AgentWorld
from harness.expect import expect, expect_equal
from harness.run import live_test, run_tests
from harness.waiting import wait_for

ELSEWHERE = '127.0.0.3:5070'
DESK, SOFT = (f'    - {{user: {name}, password: {PASSWORD}}}\n' for name in ('desk', 'soft'))
LINES = {'reg.2.address': 'bob', 'reg.2.server.1.address': 'example.test', 'reg.2.server.1.transport': 'UDPOnly'}


def reload(world, *changes, parameters=None):
    """Has the files read again with (before, after) in the native one, until the lines crossed over."""
    file = world.folder / 'inside.yaml'
    text = file.read_text()
    for before, after in changes:
        expect(before in text, f'{before.strip()} becomes {after.strip()}')
        text = text.replace(before, after)
    file.write_text(text)
    world.phone.configure(parameters)
    world.phone.process.signal(signal.SIGHUP)


def users(world):
    return [row['user'] for row in world.inside()['endpoints']]


def contacts(world):
    return {row['user']: len(row['contacts']) for row in world.inside()['endpoints']}


def talks(world, near, far):
    """Both ways, in a call of the PBX."""
    for leg, asker, answerer in (near, world.pbx, world.server), (far, world.server, world.pbx):
        leg.request('INFO')
        answerer.expect_and_answer('INFO')
        asker.expect('200 INFO')


def is_refused(world, user, *talkers):
    """A call to USER rings at these, who refuse; one of the INVITEs."""
    far = world.invite_in(user)
    branch = world.server.last_via
    for talker in talkers:
        ring = talker.expect('INVITE')
        talker.answer(ring, '486 Busy', tag='busy')
        talker.expect('ACK')
    far.remote = world.server.expect('486 INVITE').header('To')
    far.request('ACK', number=far.number, via=branch)
    return ring


@live_test(AgentWorld)
def endpoints_come_and_go(world):
    """AGENT-2, AGENT-12 (part): a new password, one endpoint less and one more, the PBX gone: registrations and calls go on,
    also the call of who left, and who came is called."""
    world.register(world.desk, 'desk')
    world.register(world.soft, 'soft')
    near, far = world.call_out(world.pbx)
    reload(world, (DESK, DESK.replace(PASSWORD, 'another')), (SOFT, SOFT.replace('soft', 'new')),
           ('{user: pbx, address: 127.0.2.3:5060}', '{user: late, password: later}'))
    wait_for(lambda: users(world) == ['desk', 'new', 'late'], 'who is inside')
    expect_equal('contacts', contacts(world), {'desk': 1, 'new': 0, 'late': 0})
    expect_equal('the old password', world.register(world.desk, 'desk').kind, '401 REGISTER')
    expect_equal('the new one', world.register(world.desk, 'desk', password='another').kind, '200 REGISTER')
    expect_equal('who left', world.register(world.soft, 'soft').kind, '401 REGISTER')
    expect_equal('who came', world.register(world.soft, 'new').kind, '200 REGISTER')
    talks(world, near, far)
    expect_equal('calls', [call['user'] for call in world.inside()['calls']], ['pbx'])
    stranger = world.leg(world.pbx)
    stranger.request('MESSAGE')
    world.pbx.expect('407 MESSAGE')
    is_refused(world, 'alice', world.desk, world.soft)
    far.request('BYE')
    world.pbx.expect_and_answer('BYE')
    world.server.expect('200 BYE')
    world.expect_quiet()

    reload(world, ('{user: late, password: later}', '{user: pbx, address: 127.0.2.3:5060}'))
    wait_for(lambda: users(world) == ['desk', 'pbx', 'new'], 'who is inside, by their numbers')
    near, far = world.call_out(world.pbx, tag='again')
    near.request('BYE')
    world.server.expect_and_answer('BYE')
    world.pbx.expect('200 BYE')


@live_test(AgentWorld)
def lines_come_and_go(world):
    """AGENT-2 (part): a line that comes with a reload has its endpoints at once; one that leaves takes its contacts along;
    a registration proves itself with the digest that the files say now."""
    world.register(world.desk, 'desk')
    reload(world, ('inside:\n', 'inside:\n  digest: sha-256\n'), parameters=LINES)
    expect('sip:bob@' in world.grant(world.server).header('To'), 'the new line registers')
    near = world.leg(world.soft)
    near.request('MESSAGE')
    expect('SHA-256' in world.soft.expect('407 MESSAGE').header('Proxy-Authenticate'), 'another digest is asked for')
    reload(world, ('  digest: sha-256\n', ''), parameters=LINES)
    world.phone.wait_state('registered')
    wait_for(lambda: world.register(world.soft, 'soft', user='bob').kind == '200 REGISTER', 'bob is registered inside')
    is_refused(world, 'bob', world.soft, world.pbx)
    world.desk.expect_nothing(0.05)
    expect_equal('contacts', contacts(world), {'desk': 1, 'soft': 1, 'pbx': 0})
    reload(world)
    left = world.server.expect('REGISTER')
    expect_equal('bob leaves', (left.header('Expires'), 'sip:bob@' in left.header('To')), ('0', True))
    world.server.answer(left, '200 OK', tag='r')
    wait_for(lambda: contacts(world) == {'desk': 1, 'soft': 0, 'pbx': 0}, 'his contacts are gone')


@live_test(AgentWorld)
def it_listens_elsewhere(world):
    """AGENT-1 (part): while a call is up it stays, and says what to do; without one it moves, and nobody is reached at the old
    place any more; to where it can't be it does not go."""
    near, far = world.call_out(world.pbx)
    reload(world, (INSIDE, ELSEWHERE))
    wait_for(lambda: 'calls are up, so the inside listens where it did' in world.phone.log(), 'the log says so')
    talks(world, near, far)
    near.request('BYE')
    world.server.expect_and_answer('BYE')
    world.pbx.expect('200 BYE')
    world.expect_quiet()
    reload(world)
    wait_for(lambda: world.inside()['listen'] == ELSEWHERE, 'it listens there')
    world.inside_hop = ELSEWHERE
    expect_equal('registered there', world.register(world.desk, 'desk').kind, '200 REGISTER')
    reload(world, (ELSEWHERE, '192.0.2.1:5070'))
    wait_for(lambda: 'the inside listens where it did: ' in world.phone.log(), 'the log says so')
    expect_equal('where it listens', world.inside()['listen'], ELSEWHERE)
    ring = is_refused(world, 'alice', world.desk, world.pbx)
    expect_equal('by way of', ring.uri('Record-Route'), f'sip:{ELSEWHERE};lr')


if __name__ == '__main__':
    run_tests()
