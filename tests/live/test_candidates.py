#!/usr/bin/env python3
"""A Versity's candidates: found by OPTIONS, shown as its status screen shows them, moved between."""
import re

from harness import names, registrar
from harness.expect import expect, expect_equal
from harness.phone import ACCOUNT, run_program
from harness.run import live_test, run_tests
from harness.waiting import wait_for
from harness.world import SERVERS

FIELD = '; '.join([names.DOMAIN, *SERVERS.values()])
WITHIN_S = 40
GIVEN_UP_S = 60  # a whole transaction (64*T1), with time to spare


def candidates(phone):
    """The list in the text of `keepline status`: [(rank:priority, address, status, active)]."""
    _, text = run_program('status', '--control', phone.control)
    rows = re.findall(r'^ +(P\d+:\d+) +udp ([\d.]+):5060  (\w+)( \*)?$', text, re.M)
    return [(rank, address, status, bool(active)) for rank, address, status, active in rows]


def versity(world):
    """A phone with the settings of a Versity, whose probes are a second apart."""
    settings, policy = world.folder / 'versity.cfg', world.folder / 'policy.yaml'
    settings.write_text(f'versity.1.sip_server = {FIELD}\nversity.1.extension = alice\n'
                        f'versity.1.password = {registrar.PASSWORD}\n')
    policy.write_text('policy: {probe: 1s}\n')
    return world.registered_phone(dict.fromkeys(ACCOUNT), options=(settings, policy))


def wait_status(phone, number, status):
    wait_for(lambda: candidates(phone)[number - 1][2] == status, f'candidate {number} is {status}', GIVEN_UP_S)


@live_test()
def status_list(world):
    """PROBE-1, PROBE-2, PROBE-5, PROBE-11: the specs by rank, the first one active; ready once all are up."""
    phone = versity(world)
    wait_for(lambda: phone.entry()['redundancy_ready'], 'redundancy ready', WITHIN_S)
    expect_equal('candidates', candidates(phone), [
        (f'P{rank}:1', address, 'up', rank == 1) for rank, address in enumerate(SERVERS.values(), 1)])
    expect_equal('registered with', [len(server.contacts()) for server in world.registrars], [1, 0, 0])
    expect('redundancy ready' in run_program('status', '--control', phone.control)[1], 'the status says so')


@live_test()
def fails_over_and_returns(world):
    """PROBE-6, PROBE-7: OPTIONS find the active server dead, and alive again."""
    phone = versity(world)
    wait_for(lambda: phone.entry()['redundancy_ready'], 'redundancy ready', WITHIN_S)
    world.sbc1.stop()
    phone.wait_state('registered', world.sbc2, within_s=WITHIN_S)
    expect_equal('candidates', candidates(phone), [
        ('P1:1', SERVERS['sbc1'], 'down', False), ('P2:1', SERVERS['sbc2'], 'up', True),
        ('P3:1', SERVERS['sbc3'], 'up', False)])
    expect(not phone.entry()['redundancy_ready'], 'not redundancy ready')
    world.sbc1.start()
    phone.wait_state('registered', world.sbc1, within_s=WITHIN_S)
    wait_for(lambda: [len(server.contacts()) for server in world.registrars] == [1, 0, 0], 'one contact, at sbc1')


@live_test()
def silence_is_found(world):
    """PROBE-3 (part): a candidate that no longer answers OPTIONS is down; the line stays where it is."""
    phone = versity(world)
    wait_status(phone, 3, 'up')
    world.sbc3.freeze()
    wait_status(phone, 3, 'down')
    expect_equal('active', [row[3] for row in candidates(phone)], [True, False, False])


if __name__ == '__main__':
    run_tests()
