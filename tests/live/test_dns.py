#!/usr/bin/env python3
"""DNS servers that are gone and come back, and what they answer; the hosts file; resolv.conf and its changes. Servers that
are slow, wrong or lying: test_faults.py."""
import signal
import subprocess

from harness import dns
from harness.expect import expect, expect_between, expect_count, expect_equal
from harness.names import ADDRESS, DOMAIN, srv_records
from harness.run import live_test, run_tests
from harness.waiting import wait_for
from harness.world import SERVERS

OTHER = '127.0.0.54'  # another DNS server, which the test plays
SERVER = 'reg.1.server.1.address'
PORT = 'reg.1.server.1.port'
RESTORE = 'dns.cache.dynamicRestore.enable'
AT_ONCE_MS = 1900  # a DNS server that says nothing costs 2 s


def use_servers(world, *addresses):
    (world.folder / 'resolv.conf').write_text(''.join(f'nameserver {address}\n' for address in addresses))


def queries(world, since_ms=0):
    return world.log.find(target=f'{ADDRESS}:53', since_ms=since_ms)


def registers_at_once(world):
    """A new phone registers at the first server, and no DNS server has kept it waiting. The phone."""
    started_ms = world.log.now_ms()
    phone = world.phone()
    first = world.wait_sent('REGISTER', world.sbc1)[0]
    expect_between('first REGISTER after the start', first.at_ms - started_ms, 0, AT_ONCE_MS)
    phone.wait_state('registered', world.sbc1)
    return phone


@live_test()
def no_such_name(world):
    """DNS-17 (part): NXDOMAIN is an answer that no other server is asked about."""
    other = dns.FakeServer(OTHER, lambda query: dns.answer(query, {}, dns.SERVFAIL))
    use_servers(world, ADDRESS, OTHER)
    phone = world.phone({SERVER: f'none.{DOMAIN}'})
    phone.wait_state('backing off')
    expect_equal('queries to the other server', other.queries, [])


@live_test(records=srv_records(SERVERS) + ''.join(
    f'_sip._udp SRV 99 0 5060 a-name-long-enough-to-fill-an-answer-{number}\n'
    f'a-name-long-enough-to-fill-an-answer-{number} A 127.0.9.{number}\n' for number in range(1, 16)))
def truncated(world):
    """DNS-17 (part): an answer that does not fit a datagram comes over TCP."""
    registers_at_once(world)
    streams = {packet.source for packet in world.log.find() if packet.connects}
    cut = [packet for packet in world.log.find(source=f'{ADDRESS}:53')
           if packet.target not in streams and packet.payload[2] & dns.FLAG_TRUNCATED]
    expect_equal('truncated answers', len(cut), 1)


@live_test(records=srv_records({'sbc1': SERVERS['sbc1']}, owner='target._udp').replace(' sbc1\n', ' alias1\n')
           + '_sip._udp CNAME hop._udp\nhop._udp CNAME target._udp\nalias1 CNAME alias2\nalias2 CNAME sbc1\n')
def aliases(world):
    """DNS-17 (part): chains of CNAMEs, for a service and for its target."""
    registers_at_once(world)


@live_test(records='@ CNAME loop1\nloop1 CNAME loop2\nloop2 CNAME loop1\n'.replace('@', '_sip._udp') + '@ A 127.0.1.1\n')
def alias_loop(world):
    """DNS-17 (part): a loop of CNAMEs is an answer of no use, so the A record serves."""
    phone = registers_at_once(world)
    expect(f'lookup SRV _sip._udp.{DOMAIN}' in phone.log(), 'the log tells of the lookup that failed')


@live_test()
def fresh_ports(world):
    """DNS-17 (part), RFC 5452: each query leaves from a port of its own, also those sent at one time."""
    registers_at_once(world)
    ports = [packet.source for packet in queries(world)]
    expect(len(ports) >= 4, f'{len(ports)} queries')
    expect_equal('number of ports', len(set(ports)), len(ports))


@live_test()
def resolv_conf_changes(world):
    """DNS-17 (part): resolv.conf names another server while a question waits: that is asked at once."""
    dns.FakeServer(OTHER)
    use_servers(world, OTHER)
    phone = world.phone()
    wait_for(lambda: 'told to register' in phone.log(), 'the phone runs')
    changed_ms = world.log.now_ms()
    use_servers(world, ADDRESS)
    first = world.wait_sent('REGISTER', world.sbc1)[0]
    expect_between('REGISTER after the change', first.at_ms - changed_ms, 0, AT_ONCE_MS)
    phone.wait_state('registered', world.sbc1)


@live_test()
def hosts_file(world):
    """A name of /etc/hosts needs no DNS server, and none is asked for it."""
    hosts = world.folder / 'hosts'
    hosts.write_text(f'{SERVERS["sbc2"]} pbx.office # not in the DNS\n')
    subprocess.run(['mount', '--bind', hosts, '/etc/hosts'], check=True)
    phone = world.phone({SERVER: 'pbx.office', PORT: 5060})
    phone.wait_state('registered', world.sbc2)
    expect_equal('queries', queries(world), [])


@live_test()
def static_records(world):
    """DNS-15 (part): the DNS is silent from the start; the file's own A record serves."""
    world.names.freeze()
    phone = world.phone({SERVER: f'pbx.{DOMAIN}', PORT: 5060, 'dns.cache.A.1.name': f'pbx.{DOMAIN}',
                         'dns.cache.A.1.address': SERVERS['sbc3'], 'dns.cache.A.1.ttl': 300})
    phone.wait_state('registered', world.sbc3)


@live_test(records=srv_records(SERVERS, ttl=5))
def restored_records(world):
    """DNS-14 (part), DNS-16 (part): the DNS falls silent: the last records serve for 120 s more, so a call does not
    wait for the DNS."""
    phone = world.registered_phone({RESTORE: 1})
    world.names.freeze()
    # The records' time, and two rounds of 2 s in which nobody answers.
    silent_ms = world.log.now_ms()
    world.log.wait('lookups', 2, 30, target=f'{ADDRESS}:53', since_ms=silent_ms)
    wait_for(lambda: 'no DNS server answered' in phone.log(), 'the silence is told')
    called_ms = world.log.now_ms()
    call = phone.call()
    world.wait_call_up(world.sbc1)
    expect_between('INVITE', world.sent('INVITE', world.sbc1)[0].at_ms - called_ms, 0, AT_ONCE_MS)
    call.hang_up()
    call.wait()
    expect_equal('queries since then', queries(world, since_ms=called_ms), [])


@live_test(records=srv_records({'sbc1': SERVERS['sbc1']}, ttl=5))
def silent_then_back(world):
    """DNS-16 (part): the DNS falls silent, and comes back with another server: the registration lives through the
    silence, and follows the new records."""
    phone = world.registered_phone()
    world.names.freeze()
    wait_for(lambda: 'no DNS server answered' in phone.log(), 'the silence is told', within_s=40)
    expect_equal('state', phone.entry()['state'], 'registered')
    expect_count('REGISTERs so far', world.requests('REGISTER'), 2)
    world.names.write(srv_records({'sbc2': SERVERS['sbc2']}, ttl=5))
    world.names.thaw()
    world.names.process.signal(signal.SIGHUP)
    world.names.wait_loaded()
    world.wait_sent('REGISTER', world.sbc2, within_s=60)
    phone.wait_state('registered', world.sbc2)


if __name__ == '__main__':
    run_tests()
