#!/usr/bin/env python3
"""Endpoints that know nothing of redundancy, behind a line and alone: SIPp and Kamailio."""
import resource
import time
from pathlib import Path

from harness.expect import expect, expect_equal
from harness.run import live_test, run_tests
from harness.waiting import Process, udp_is_bound, wait_for

PEERS = Path(__file__).resolve().parent / 'peers'
INSIDE, PBX = '127.0.0.2:5070', '127.0.4.1'
ALONE = '127.0.4.2'
NATIVE = '''inside:
  listen: {inside}
  endpoints:
    - {{user: pbx, address: {pbx}, transport: {transport}}}
'''
ALONE_S = 45


def phone_with_pbx(world, parameters=None, transport='udp'):
    native = world.folder / 'inside.yaml'
    native.write_text(NATIVE.format(inside=INSIDE, pbx=PBX, transport=transport))
    return world.registered_phone(parameters, [native])


def start_caller(world, name, address, target, transport):
    caller = Process(name, ['sipp', '-sf', PEERS / 'caller_behind.xml', '-i', address, '-m', 1, '-nostdin', '-t',
                            transport, target], world.folder)
    caller.start()
    return caller


def compare(world, transport='u1', within_s=8.0):
    """The same endpoint calls bob behind the agent and straight through the first server; prints both."""
    begun = time.monotonic()
    alone = start_caller(world, 'alone', ALONE, f'{world.sbc1.address}:5060', transport)
    behind = start_caller(world, 'behind', PBX, INSIDE, transport)
    expect_equal('behind the agent', behind.wait(within_s + 4), 0)
    took_s = time.monotonic() - begun
    print(f'  its call was up and over after {took_s:.1f} s')
    expect(took_s < within_s, f'less than {within_s:g} s')
    status = alone.wait(ALONE_S)
    print(f'  alone: status {status} after {time.monotonic() - begun:.1f} s')
    expect(status != 0, 'alone it never gets through')


@live_test()
def the_first_server_is_silent(world):
    """AGENT-5: the call is up on the second server once the first had its sends (3.5 s)."""
    phone_with_pbx(world)
    world.sbc1.freeze()
    compare(world)


@live_test()
def the_first_server_is_closed(world):
    """AGENT-5: its port answers with ICMP."""
    phone_with_pbx(world)
    world.sbc1.stop()
    compare(world, within_s=3.0)


@live_test()
def the_first_server_answers_503(world):
    """AGENT-5: 503 never reaches the endpoint."""
    phone_with_pbx(world)
    world.sbc1.refuse()
    compare(world, within_s=3.0)


@live_test(streams=True)
def the_first_server_is_frozen_over_tcp(world):
    """AGENT-1, AGENT-5: over TCP on both sides; the kernel takes what is sent, and nothing answers."""
    phone_with_pbx(world, {'reg.1.server.1.transport': 'TCPOnly'}, 'tcp')
    world.sbc1.freeze()
    compare(world, 't1', within_s=12.0)


if __name__ == '__main__':
    run_tests()
