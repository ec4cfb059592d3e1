#!/usr/bin/env python3
"""The same softphone behind the agent, and alone with its own search for servers, while the first server fails: how long its
call takes to come up. `make test` has baresip, `make night` linphone, too."""
from typing import NamedTuple

from harness.abreast import Abreast, part
from harness.agents import Baresip, Linphone
from harness.behind import INSIDE, alone, expect_over, phone_inside, softphone, wait_calls
from harness.expect import expect
from harness.names import DOMAIN, srv_records
from harness.run import live_test, run_tests
from harness.waiting import Failure
from harness.world import SERVERS, World

NEAR, ALONE = '127.0.5.1', '127.0.5.2'
MOVE = {'reg.1.server.1.failOver.reRegisterOn': 1}
OVER_TCP = {'reg.1.server.1.transport': 'TCPOnly', 'voIpProt.SIP.tcpFastFailover': 1,
            'voIpProt.SIP.tcpFastFailover.timeout': 2000}
TCP = {'records': srv_records(SERVERS, owner='_sip._tcp'), 'streams': True}
LOADED_S = 6   # what a loaded machine may add
ALONE_S = 35   # longer than 64*T1
PATIENT_S = 30 # and a little less


class Fault(NamedTuple):
    """What is done to the first server, and after what time the engine leaves it (TIME-1, TIME-6, TRIG-1)."""
    act: str
    leaves_s: float
    transport: str = 'udp'


FAULTS = {'silent': Fault('freeze', 3.5), 'closed': Fault('stop', 0), 'refuses': Fault('refuse', 0),
          'frozen_tcp': Fault('freeze', 2.0, 'tcp')}
# Of all these, baresip goes on by itself (RFC 3263 4.3) after 503 alone.
HELPS_ITSELF = {'baresip_refuses'}


def call_s(world, user, within_s, **invite):
    """How long USER's call took from its INVITE to the 200 that reaches the softphone; None: longer than that."""
    asked = world.log.wait_one('its INVITE', method='INVITE', within_s=10,
                               where=lambda packet: packet.header('From').startswith(f'<sip:{user}@'), **invite)
    try:
        answer = world.log.wait_one('its 200', method='INVITE', status=200, target=asked.source, since_ms=asked.at_ms,
                                    within_s=within_s, where=lambda packet: packet.call_id == asked.call_id)
    except Failure:
        return None
    return (answer.at_ms - asked.at_ms) / 1000


def make_part(kind, fault):
    name = f'{kind.__name__.lower()}_{fault}'
    act, leaves_s, transport = FAULTS[fault]

    @part(World, name, **(TCP if transport == 'tcp' else {}))
    def run(world):
        """AGENT-1, AGENT-5: behind the agent, and alone. Both dial bob at once."""
        agent = phone_inside(world, {**MOVE, **OVER_TCP} if transport == 'tcp' else MOVE)
        near = softphone(world, agent, kind, 'soft', NEAR, 440, transport=transport)
        other = alone(world, kind, 'dave', ALONE, 600, transport)
        getattr(world.sbc1, act)()
        for phone in near, other:
            phone.call(f'sip:bob@{DOMAIN}')
        behind_s = call_s(world, 'alice', leaves_s + LOADED_S, target=INSIDE)
        if behind_s is not None:
            wait_calls(agent, 1)
            near.hang_up()
            expect_over(agent)
        return behind_s, call_s(world, 'dave', ALONE_S)
    return name


PARTS = {kind: [make_part(kind, fault) for fault in FAULTS] for kind in (Baresip, Linphone)}


def text_of(took_s):
    return 'never' if took_s is None else f'{took_s:.2f} s'


def both_ways(world, kind):
    for (name, (behind_s, alone_s)), fault in zip(world.run(PARTS[kind]).items(), FAULTS.values()):
        print(f'  {name:<20} the engine leaves after {fault.leaves_s:.1f} s; behind: {text_of(behind_s)}; '
              f'alone: {text_of(alone_s)}')
        expect(behind_s is not None and behind_s >= fault.leaves_s, 'behind it is up in time, and not too early')
        if name not in HELPS_ITSELF:
            expect(alone_s is None or alone_s > PATIENT_S, 'alone it needs 32 s, or is never up')


@live_test(Abreast)
def baresip(world):
    """AGENT-1 (part), AGENT-5 (part): baresip calls behind the agent, and alone."""
    both_ways(world, Baresip)


@live_test(Abreast, is_part=True)
def linphone(world):
    """AGENT-1 (part), AGENT-5 (part): linphone calls behind the agent, and alone."""
    both_ways(world, Linphone)


if __name__ == '__main__':
    run_tests()
