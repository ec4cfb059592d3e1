#!/usr/bin/env python3
"""Keepline is killed with calls up, over streams on both sides: the calls go on, and either side hangs up afterwards."""
from harness import authority
from harness.agents import Baresip
from harness.behind import NATIVE, expect_over, outsider, phone_inside, softphone, wait_audio, wait_calls
from harness.expect import expect_equal
from harness.names import DOMAIN, srv_records
from harness.run import live_test, run_tests
from harness.world import SERVERS

NEAR, FAR = '127.0.5.1', '127.0.5.2'
OUTSIDE = {'records': srv_records(SERVERS, owner='_sip._tcp'), 'streams': True}
TLS = 'tls:\n  cert: {certificate}\n  key: {certificate}\n  ca_file: {authority}\n'


def crash(world, agent, *talking):
    """Killed, and started again once those who talk have heard each other without it."""
    agent.process.kill()
    wait_audio(world, *talking, since_ms=world.log.now_ms())
    agent.start()
    agent.wait_state('registered', world.sbc1, 10)


def survive(world, transport):
    """A call that the far end ends after a crash, and one that the endpoint ends; then nothing is left, nor after another
    start. Over TLS baresip has no certificate to be called back with: the far end is told at once that it can't be reached,
    and calls to it wait for its next REGISTER."""
    native = NATIVE
    if transport == 'tls':
        native += TLS.format(certificate=authority.issue(world.folder, 'inside', 'IP:127.0.0.2'),
                             authority=authority.certificate_file(world.folder))
    agent = phone_inside(world, {'reg.1.server.1.transport': 'TCPOnly'}, native)
    near = softphone(world, agent, Baresip, 'soft', NEAR, 440, transport=transport)
    far = outsider(world, Baresip, 'ben', FAR, 600)
    for caller, user, ender in (near, 'ben', far), (far, 'alice', near) if transport == 'tcp' else (near, 'ben', near):
        since_ms = world.log.now_ms()
        caller.call(f'sip:{user}@{DOMAIN}')
        wait_calls(agent, 1)
        wait_audio(world, near, far, since_ms=since_ms)
        crash(world, agent, near, far)
        expect_equal('calls that it knows', agent.status()['inside']['call_count'], 1)
        since_ms = world.log.now_ms()
        ender.hang_up()
        world.log.wait_one('the answer to the BYE', method='BYE', since_ms=since_ms, within_s=10,
                           status=480 if transport == 'tls' and ender is far else 200,
                           **{'target' if ender is far else 'source': FAR})
        expect_over(agent)
        near.hang_up()  # which it may not have been told of
    crash(world, agent)
    expect_over(agent)


@live_test(**OUTSIDE)
def over_tcp(world):
    """AGENT-1 (part), AGENT-12: over TCP on both sides."""
    survive(world, 'tcp')


@live_test(**OUTSIDE)
def over_tls(world):
    """AGENT-1 (part), AGENT-12: over TLS inside, and TCP outside."""
    survive(world, 'tls')


if __name__ == '__main__':
    run_tests()
