#!/usr/bin/env python3
"""Two flows at once (RFC 5626), by Kamailio's outbound: with two servers that are registrars themselves, and with two edge
proxies before one registrar, which is what the RFC has in mind. OWN-6."""
import json
from pathlib import Path

from harness.expect import EARLY_MS, expect, expect_between, expect_equal
from harness.names import srv_records
from harness.phone import PROGRAM, run_program
from harness.registrar import Registrar
from harness.run import live_test, run_tests
from harness.waiting import Process, wait_for
from harness.world import PHONE_ADDRESS, SERVERS, World

CALLER = Path(__file__).resolve().parent / 'peers' / 'caller_outside.xml'
CALLER_ADDRESS = '127.0.4.1'
FLOW_TIMER_S, SHORT_TIMER_S = 2, 1
FLOW_BACKOFF = 'flow_backoff_base: 1s, flow_backoff_max: 2s'
NO_PROBES = 'probe: 0'
ANSWERS = 'incoming: answer, answer_after: 0'
PONG_MS, LATE_MS = 10000, 2000
TWO_SERVERS = {name: SERVERS[name] for name in ('sbc1', 'sbc2')}


class TwoServers(World):
    """Two registrars behind the phone's domain."""

    def __init__(self, folder, owner='_sip._udp', flow_timer_s=FLOW_TIMER_S, **options):
        super().__init__(folder, srv_records(TWO_SERVERS, owner), flow_timer_s=flow_timer_s, **options)


class Edges(World):
    """The first two servers are edge proxies before the third one."""

    def __init__(self, folder):
        super().__init__(folder, srv_records(TWO_SERVERS), flow_timer_s=FLOW_TIMER_S)
        edges = [Registrar(f'edge{number}', address, folder, self.callees[0], flow_timer_s=FLOW_TIMER_S, edge_of=self.sbc3)
                 for number, address in enumerate(TWO_SERVERS.values(), 1)]
        self.sbc1, self.sbc2 = edges
        self.registrars = [*edges, self.sbc3]


def phone_with_flows(world, policy=FLOW_BACKOFF, parameters=None):
    own = world.folder / 'own.yaml'
    own.write_text(f'policy: {{{policy}}}\nlines:\n  - line: 1\n    calls: {{{ANSWERS}}}\n')
    phone = world.phone(parameters, ['--profile', 'keepline', own])
    phone.events = Process('events', [PROGRAM, 'events', '--json', '--control', phone.control], world.folder)
    phone.wait_state('registered', world.sbc1)
    phone.events.start()
    wait_for(lambda: Path('/proc/net/unix').read_text('ascii').count(str(phone.control)) > 1, 'keepline events is connected')
    return phone


def wait_flows(phone, first, second, within_s=10):
    """The entry's status, once it has both flows, over these servers."""
    def reached():
        entry = phone.entry()
        flow = entry.get('second_flow') or {}
        on_both = f'{first.address}:' in str(entry.get('route')) and f'{second.address}:' in str(flow.get('route'))
        return entry if entry.get('registered') and flow.get('registered') and on_both else None
    return wait_for(reached, f'flows over {first.name} and {second.name}', within_s)


def start_caller(world, registrar):
    """A call to alice from behind a registrar. A 200 may overtake its 180 in Kamailio, which has several processes: what
    comes unexpected ends no call."""
    caller = Process('caller', ['sipp', '-sf', CALLER, '-i', CALLER_ADDRESS, '-p', 5060, '-m', 1, '-d', 100, '-nostdin',
                                '-default_behaviors', 'all,-abortunexp', registrar.route], world.folder)
    caller.start()
    return caller


def is_ping(packet):
    return packet.payload == b'\r\n\r\n'


def events(phone, name):
    """The events of a kind that `keepline events` told of so far."""
    told = map(json.loads, phone.events.output().splitlines())
    return [event for event in told if event['event'] == name]


@live_test(TwoServers)
def two_registrars(world):
    """OWN-6 (part): a flow at each server, with reg-id 1 and 2. The first server dies: a call goes over the second flow,
    and no REGISTER before it; a call that comes arrives over it. The lost flow is made anew, with its reg-id, once its
    server is back."""
    phone = phone_with_flows(world)
    wait_flows(phone, world.sbc1, world.sbc2)
    expect_equal('reg-ids at sbc1', world.sbc1.flows(), ['1'])
    expect_equal('reg-ids at sbc2', world.sbc2.flows(), ['2'])
    shown = run_program('status', '--control', phone.control)[1]
    expect('    second flow: registered for' in shown and ', on udp 127.0.1.2:5060' in shown, 'the status shows both')

    world.sbc1.stop()
    since_ms = world.log.now_ms()
    call = phone.call()
    world.wait_call_up(world.sbc2, since_ms)
    invite = world.sent('INVITE', world.sbc2, since_ms)[0]
    expect(';ob>' in invite.header('Contact'), 'its Contact says that it goes over a flow')
    expect_equal('REGISTERs to sbc2 before it', world.sent('REGISTER', world.sbc2, since_ms, invite.at_ms), [])
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('exit status of the caller', start_caller(world, world.sbc2).wait(10), 0)
    expect(world.log.find(method='INVITE', source=world.sbc2.address, target=PHONE_ADDRESS), 'the call came from sbc2')

    world.sbc1.start()
    wait_for(lambda: world.sbc1.flows() == ['1'], 'a flow at sbc1, with its reg-id', 20)
    wait_for(lambda: any(event.get('to') == 'registered' for event in events(phone, 'second-flow')), 'an event says so')
    expect_equal('reg-ids at sbc2', world.sbc2.flows(), ['2'])
    expect_equal('exit status', phone.leave(), 0)
    expect_equal('reg-ids afterwards', world.sbc1.flows() + world.sbc2.flows(), [])


@live_test(Edges)
def two_edges(world):
    """OWN-6 (part): two edge proxies before one registrar, which has both flows. A call that comes is one call. An edge
    dies: calls in either direction go over the other flow."""
    phone = phone_with_flows(world)
    wait_flows(phone, world.sbc1, world.sbc2)
    expect_equal('reg-ids at the registrar', world.sbc3.flows(), ['1', '2'])
    expect_equal('exit status of the caller', start_caller(world, world.sbc3).wait(10), 0)
    answers = world.log.find(method='INVITE', status=200, source=PHONE_ADDRESS)
    expect_equal('INVITEs that were taken', len({answer.branch for answer in answers}), 1)

    for edge, other in (world.sbc1, world.sbc2), (world.sbc2, world.sbc1):
        edge.stop()
        expect_equal('exit status of the caller', start_caller(world, world.sbc3).wait(20), 0)
        call = phone.call()
        world.wait_call_up(other)
        call.hang_up()
        expect_equal('exit status of the call', call.wait(), 0)
        edge.start()
        wait_flows(phone, other, edge, 20)


@live_test(records=srv_records(TWO_SERVERS))
def without_outbound(world):
    """OWN-6 (part): a registrar that does not know flows gets one registration."""
    phone = phone_with_flows(world)
    register = world.sent('REGISTER', world.sbc1)[-1]
    expect('reg-id=1' in register.header('Contact'), 'a flow was asked for')
    call = phone.call()
    world.wait_call_up(world.sbc1)
    call.hang_up()
    call.wait()
    expect_equal('outbound, second flow', [phone.entry()['outbound'], phone.entry()['second_flow']['registered']],
                 [False, False])
    expect_equal('REGISTERs to sbc2', world.sent('REGISTER', world.sbc2), [])


@live_test(TwoServers, owner='_sip._tcp', flow_timer_s=SHORT_TIMER_S, streams=True)
def missing_pong(world):
    """OWN-6 (part): streams, RFC 5626 4.4.1: a ping within the server's Flow-Timer; no pong within 10 s ends the flow, and
    the line goes on over the other."""
    phone = phone_with_flows(world, f'{FLOW_BACKOFF}, {NO_PROBES}', {'reg.1.server.1.transport': 'TCPOnly'})
    wait_flows(phone, world.sbc1, world.sbc2)
    pings = world.log.wait('pings', 3, within_s=10, target=world.sbc1.address, where=is_ping)
    for ping, following in zip(pings, pings[1:]):
        expect_between('from ping to ping', following.at_ms - ping.at_ms, 800 * SHORT_TIMER_S - EARLY_MS,
                       1000 * SHORT_TIMER_S + LATE_MS)
    world.sbc1.freeze()
    phone.wait_state('registered', world.sbc2, within_s=PONG_MS / 1000 + 5)
    last = world.log.find(target=world.sbc1.address, where=is_ping)[-1]
    expect_between('it went on so long after the last ping', world.log.now_ms() - last.at_ms, PONG_MS - EARLY_MS,
                   PONG_MS + LATE_MS)
    expect('keep-alives unanswered for tcp 127.0.1.1:5060: no pong' in phone.log(), 'the log says why')


if __name__ == '__main__':
    run_tests()
