#!/usr/bin/env python3
"""A PBX that knows nothing of redundancy, behind a line: SIPp and Kamailio. What it does alone: test_agent_both_ways.py."""
import os
import time
from pathlib import Path

from harness.expect import expect, expect_equal
from harness.names import srv_records
from harness.phone import Phone
from harness.priority import take_real_time
from harness.run import live_test, run_tests
from harness.waiting import Process, udp_is_bound, wait_for
from harness.world import SERVERS

PEERS = Path(__file__).resolve().parent / 'peers'
INSIDE, PBX = '127.0.0.2:5070', '127.0.4.1'
NATIVE = '''inside:
  listen: {inside}
  endpoints:
    - {{user: pbx, address: {pbx}, transport: {transport}}}
'''
CALLS = 20000
OPEN_MAX = 25  # each way: with more of them a loaded machine answers later than T1, and much comes twice
CALLS_A_SECOND = 600  # both ways together
FULL_S = 40  # then as many transactions end as begin, and memory may not grow any more


def phone_with_pbx(world, parameters=None, transport='udp'):
    native = world.folder / 'inside.yaml'
    native.write_text(NATIVE.format(inside=INSIDE, pbx=PBX, transport=transport))
    return world.registered_phone(parameters, [native])


def call_within(world, limit_s, transport='u1'):
    """The PBX calls bob, who hangs up."""
    begun = time.monotonic()
    caller = Process('caller', ['sipp', '-sf', PEERS / 'caller_behind.xml', '-i', PBX, '-m', 1, '-nostdin', '-t', transport,
                                INSIDE], world.folder)
    caller.start()
    expect_equal('the caller', caller.wait(limit_s + 4), 0)
    took_s = time.monotonic() - begun
    print(f'  its call was up and over after {took_s:.1f} s')
    expect(took_s < limit_s, f'less than {limit_s:g} s')


@live_test()
def the_first_server_is_silent(world):
    """AGENT-5: the call is up on the second server once the first had its sends (3.5 s)."""
    phone_with_pbx(world)
    world.sbc1.freeze()
    call_within(world, 20.0)


@live_test()
def the_first_server_is_closed(world):
    """AGENT-5: its port answers with ICMP."""
    phone_with_pbx(world)
    world.sbc1.stop()
    call_within(world, 3.0)


@live_test()
def the_first_server_answers_503(world):
    """AGENT-5: 503 never reaches the endpoint."""
    phone_with_pbx(world)
    world.sbc1.refuse()
    call_within(world, 3.0)


@live_test(records=srv_records(SERVERS, owner='_sip._tcp'), streams=True)
def the_first_server_is_frozen_over_tcp(world):
    """AGENT-1, AGENT-5: over TCP on both sides; the kernel takes what is sent, and nothing answers."""
    phone_with_pbx(world, {'reg.1.server.1.transport': 'TCPOnly', 'voIpProt.SIP.tcpFastFailover': 1,
                           'voIpProt.SIP.tcpFastFailover.timeout': 2000}, 'tcp')
    world.sbc1.freeze()
    call_within(world, 20.0, 't1')


class MemoryOf:
    """The resident memory of a process, looked at again and again."""

    def __init__(self, pid):
        self.statm = Path(f'/proc/{pid}/statm')
        self.begun = time.monotonic()
        self.seen = []  # seconds, MiB

    def watch(self):
        pages = int(self.statm.read_text().split()[1])
        self.seen.append((time.monotonic() - self.begun, pages * os.sysconf('SC_PAGE_SIZE') / 2**20))
        return True

    def judge(self):
        """It is flat from the middle on, where the run was long enough to get full before."""
        middle_s, middle = self.seen[len(self.seen) // 2]
        _, end = self.seen[-1]
        print(f'  memory: {self.seen[0][1]:.1f} MiB at the start, {middle:.1f} in the middle, {end:.1f} at the end')
        if middle_s > FULL_S:
            expect(end < 1.05 * middle, 'no more memory at the end than in the middle')


class CallsWorld:
    """SIPp on both sides of a line that registers nowhere; no packet log, which would be most of the work."""
    OUTSIDE, SERVER = '127.0.0.1:5070', '127.0.1.1'
    FILE = """local: {outside}
lines:
  - {{user: alice, domain: example.test, password_env: HOME,
      servers: [{{name: {server}, port: 5060, transport: udp, registers: false}}]}}
"""

    def __init__(self, folder):
        take_real_time()
        self.folder = folder
        native = folder / 'calls.yaml'
        native.write_text(self.FILE.format(outside=self.OUTSIDE, server=self.SERVER) +
                          NATIVE.format(inside=INSIDE, pbx=PBX, transport='udp'))
        self.phone = Phone(folder, options=[native])
        self.phone.process.command.remove(str(self.phone.file))
        self.log = self
        self.answering = [self.sipp('callee', 'callee', address, 5060) for address in (self.SERVER, PBX)]

    def sipp(self, name, scenario, address, port, *options):
        return Process(f'{name}-{address}', ['sipp', '-sf', PEERS / f'{scenario}.xml', '-i', address, '-p', port,
                                             '-nostdin', '-buff_size', 4 << 20, *options], self.folder)

    def timeline(self):
        return 'not kept'

    def __enter__(self):
        for part in (self.phone, *self.answering):
            part.start()
        for address, port in ((self.SERVER, 5060), (PBX, 5060), (INSIDE.split(':')[0], 5070)):
            wait_for(lambda: udp_is_bound(address, port), f'{address} listens')
        return self

    def __exit__(self, *_):
        for part in (*self.answering, self.phone.process):
            part.kill()

    def expect_no_crash(self):
        expect(self.phone.process.running, 'it runs')


@live_test(CallsWorld)
def many_calls_leave_nothing(world):
    """AGENT-4, AGENT-12 (part): calls both ways at a time, from INVITE to BYE; all get through, and not one is left."""
    count = int(os.environ.get('AGENT_CALLS', CALLS))
    begun = time.monotonic()
    limits = '-m', count // 2, '-r', CALLS_A_SECOND // 2, '-l', OPEN_MAX
    callers = [world.sipp('out', 'caller_behind', PBX, 5080, *limits, INSIDE),
               world.sipp('in', 'caller_outside', world.SERVER, 5080, *limits, world.OUTSIDE)]
    memory = MemoryOf(world.phone.process.process.pid)
    for caller in callers:
        caller.start()
    wait_for(lambda: memory.watch() and not any(caller.running for caller in callers), 'all calls are made',
             count / 100 + 60, every_s=1)
    for caller in callers:
        expect_equal(f'{caller.name}: exit status', caller.wait(), 0)
    print(f'  {count} calls in {time.monotonic() - begun:.1f} s')
    memory.judge()
    inside = world.phone.status()['inside']
    expect_equal('dialogs that are left', inside['dialogs'], 0)
    expect_equal('calls that the engine counts', world.phone.counter('calls'), 0)


if __name__ == '__main__':
    run_tests()
