#!/usr/bin/env python3
"""What the DNS answered survives a restart."""
import re

from harness.expect import expect, expect_between, expect_equal
from harness.far import FAR, NEAR, SECOND, FarWorld
from harness.names import DOMAIN
from harness.run import live_test, run_tests
from harness.waiting import wait_for
from harness import dns

SERVER = 'reg.1.server.1.address'
SILENCE_MS = (5000, 16000)  # how long one question takes that nobody answers
RECORDS = {(f'_sip._udp.{DOMAIN}', dns.SRV): [(10, 0, 5060, f'one.{DOMAIN}'), (20, 0, 5060, f'two.{DOMAIN}')],
           (f'one.{DOMAIN}', dns.A): [FAR[4]], (f'two.{DOMAIN}', dns.A): [SECOND[4]]}


def first_run(world, profile):
    """A phone that registers by the DNS, and leaves. The servers, and the state file that is left."""
    state = world.folder / 'keepline.state'
    names = world.names(FAR[4], RECORDS)
    server = world.registrar(FAR[4])
    phone = world.phone({SERVER: DOMAIN}, '--profile', profile, '--state', state)
    phone.wait_state('registered')
    expect_equal('exit status', phone.leave(), 0)
    return names, server, state


def boot_in_an_outage(world, profile):
    """The DNS server answers nothing any more, and the machine starts."""
    names, server, state = first_run(world, profile)
    names.answer = lambda packet: None
    booted_ms = world.log.now_ms()
    return world.phone({SERVER: DOMAIN}, '--profile', profile, '--state', state), server, booted_ms


@live_test(world=FarWorld)
def boot_while_names_are_silent(world):
    """OWN-9: a phone that starts during a DNS outage registers with the servers that it knew, after the first question's
    silence alone."""
    phone, server, booted_ms = boot_in_an_outage(world, 'keepline')
    phone.wait_state('registered', within_s=40)
    again = server.wait('REGISTER', since_ms=booted_ms)
    expect_between('REGISTER after the start', again.at_ms - booted_ms, *SILENCE_MS)
    expect('the records of before the restart serve' in phone.log(), 'the log says why')


@live_test(world=FarWorld)
def other_profiles_wait(world):
    """OWN-9 (part): where the policy does not remember, a file changes nothing."""
    phone, server, booted_ms = boot_in_an_outage(world, 'poly')
    phone.wait_state('backing off', within_s=60)
    expect_equal('REGISTERs', server.find('REGISTER', since_ms=booted_ms), [])


@live_test(world=FarWorld)
def bad_state_file(world):
    """OWN-9 (part): a file that was changed by hand is refused with one line, and the line registers by the DNS; then the
    file is whole again."""
    _, server, state = first_run(world, 'keepline')
    whole = state.read_text()
    expect_equal('its mode', state.stat().st_mode & 0o777, 0o600)
    expect(f'A {FAR[4]}' in re.sub(r'A \d+ \d+ \S+ ', 'A ', whole), 'it holds the address')
    state.write_text(whole.replace(FAR[4], NEAR[4]))
    started_ms = world.log.now_ms()
    phone = world.phone({SERVER: DOMAIN}, '--profile', 'keepline', '--state', state)
    phone.wait_state('registered')
    server.wait('REGISTER', since_ms=started_ms)
    expect_equal('lines about the file', phone.log().count(str(state)), 1)
    expect('check sum' in phone.log(), 'the line says what is wrong')
    wait_for(lambda: FAR[4] in state.read_text(), 'the file is whole again')


if __name__ == '__main__':
    run_tests()
