#!/usr/bin/env python3
"""The peers do what the other tests take for granted. A SIPp phone stands where the program will."""
from pathlib import Path

from harness.expect import expect, expect_count, expect_equal, expect_times
from harness.registrar import PASSWORD
from harness.run import live_test, run_tests
from harness.waiting import Process
from harness.world import PHONE_ADDRESS

CALLER = Path(__file__).resolve().parent / 'peers' / 'caller.xml'


def start_caller(world, registrar):
    caller = Process('caller', ['sipp', '-sf', CALLER, '-i', PHONE_ADDRESS, '-p', 5070, '-m', 1, '-nostdin',
                                '-au', 'alice', '-ap', PASSWORD, registrar.route], world.folder)
    caller.start()
    return caller


@live_test()
def register_and_call(world):
    """A registration with digest and a call pass through the second server to the callee."""
    caller = start_caller(world, world.sbc2)
    expect_equal('exit status of the SIPp phone', caller.wait(), 0)
    expect_equal('contacts at sbc2', world.sbc2.contacts(), [f'sip:alice@{PHONE_ADDRESS}:5070'])
    expect_equal('contacts at sbc1', world.sbc1.contacts(), [])
    first, second = expect_count('REGISTERs', world.requests('REGISTER', world.sbc2), 2)
    expect(not first.header('Authorization'), 'the first REGISTER carries no credentials')
    expect('username="alice"' in second.header('Authorization'), 'the second one does')
    expect(world.log.find(method='INVITE', target=world.callees[1].route), 'the INVITE reached the callee of sbc2')


@live_test(algorithm='SHA-256')
def algorithm(world):
    """The variant that asks for SHA-256."""
    start_caller(world, world.sbc1)
    challenge = world.wait_answered('REGISTER', 401, world.sbc1).header('WWW-Authenticate')
    expect('algorithm=SHA-256' in challenge, 'the challenge asks for SHA-256')


@live_test()
def faults(world):
    """Frozen is silence, stopped is ICMP, refusing is 503 for every request; and each comes back clean."""
    world.sbc1.freeze()
    started_ms = world.log.now_ms()
    caller = start_caller(world, world.sbc1)
    sends = world.wait_sent('REGISTER', world.sbc1, count=3, since_ms=started_ms)
    expect_times('SIPp to a frozen server', sends, sends[0].at_ms, [0, 500, 1500])
    expect_equal('answers of the frozen server', world.sbc1.probe(), 'silence')
    caller.kill()

    world.sbc1.restart()
    expect_equal('contacts after the restart', world.sbc1.contacts(), [])
    world.sbc1.stop()
    world.sbc1.wait_probed('refused')
    world.log.wait_one('ICMP port unreachable', where=lambda packet: packet.icmp == 'type 3 code 3')
    world.sbc1.start()
    world.sbc1.refuse()
    world.sbc1.wait_probed(503)
    world.sbc1.refuse(False)
    world.sbc1.wait_probed(200)


if __name__ == '__main__':
    run_tests()
