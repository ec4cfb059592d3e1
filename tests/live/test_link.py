#!/usr/bin/env python3
"""The phone's own network changes: a cable, addresses, IPv6."""
from harness import dns
from harness.expect import LATE_MS, expect, expect_between, expect_equal
from harness.far import AT_ONCE_MS, FAR, NEAR, NOTICED_MS, SECOND, FarWorld, host
from harness.names import DOMAIN
from harness.run import live_test, run_tests
from harness.waiting import wait_for

SERVER = 'reg.1.server.1.address'
LOG_MS = 1  # what the log rounds its times to
OPTIONS = ('OPTIONS sip:alice@{to} SIP/2.0\r\nVia: {via}\r\nFrom: <sip:server@example.test>;tag=1\r\n'
           'To: <sip:alice@example.test>\r\nCall-ID: asked\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\n\r\n')


def two_servers(family):
    """SRV records for two servers there."""
    kind = dns.A if family == 4 else dns.AAAA
    return {(f'_sip._udp.{DOMAIN}', dns.SRV): [(10, 0, 5060, f'one.{DOMAIN}'), (20, 0, 5060, f'two.{DOMAIN}')],
            (f'one.{DOMAIN}', kind): [FAR[family]], (f'two.{DOMAIN}', kind): [SECOND[family]]}


def address_moves(world, family, new):
    server = world.registrar(FAR[family])
    phone = world.phone({SERVER: FAR[family]})
    phone.wait_state('registered')
    first = server.find('REGISTER')[0]
    expect(f'@{host(NEAR[family])}:5070>' in first.header('Contact'), f'the Contact has {NEAR[family]}')
    changed_ms = world.log.now_ms()
    world.far.remove_address(NEAR[family])
    world.far.add_address(new)
    second = server.wait('REGISTER', since_ms=changed_ms)
    expect_between('REGISTER after the change', second.at_ms - changed_ms, 0, AT_ONCE_MS)
    expect(f'@{host(new)}:5070>' in second.header('Contact'), f'its Contact has {new}')
    expect_equal('its Call-ID', second.call_id, first.call_id)
    phone.wait_state('registered')


@live_test(world=FarWorld)
def address_changes(world):
    """REG-6: the machine has another IPv4 address: a new Contact, at once."""
    address_moves(world, 4, '192.0.2.3')


@live_test(world=FarWorld)
def address_changes_ipv6(world):
    """REG-6: the same over IPv6."""
    address_moves(world, 6, '2001:db8::3')


@live_test(world=FarWorld)
def unrelated_address(world):
    """REG-6 (part): an address that nothing leaves from changes nothing."""
    server = world.registrar(FAR[4])
    phone = world.phone({SERVER: FAR[4]})
    phone.wait_state('registered')
    world.far.add_address('192.0.2.77')
    world.far.remove_address('192.0.2.77')
    world.far.remove_address(NEAR[6])
    added_ms = world.log.now_ms()
    world.far.remove_address(NEAR[4])
    world.far.add_address(NEAR[4])
    wait_for(lambda: world.log.now_ms() > added_ms + 2 * NOTICED_MS, 'some time')
    expect_equal('REGISTERs', len(server.find('REGISTER')), 1)


@live_test(world=FarWorld)
def cable_pulled_frozen(world):
    """PROBE-9, T37 (part): versity. Without a carrier the line stays registered, although its time runs out; with one
    it goes on with the same server at once."""
    server = world.registrar(FAR[4], expires_s=4)
    phone = world.phone({SERVER: FAR[4]}, '--profile', 'versity')
    phone.wait_state('registered')
    world.far.pull()
    wait_for(lambda: 'no way leads to any server' in phone.log(), 'the lost carrier is noticed')
    pulled_ms = world.log.now_ms()
    wait_for(lambda: world.log.now_ms() > pulled_ms + 5000, 'the registration runs out')
    expect_equal('state', phone.entry()['state'], 'registered')
    expect(phone.status() and 'failing over' not in phone.log() and 'backing off' not in phone.log(),
           'no status changed')
    world.far.plug()
    plugged_ms = world.log.now_ms()
    again = server.wait('REGISTER', since_ms=plugged_ms)
    expect_between('REGISTER after the cable is back', again.at_ms - plugged_ms, 0, AT_ONCE_MS)
    phone.wait_state('registered')


@live_test(world=FarWorld)
def cable_pulled(world):
    """PROBE-9 (part), REG-6: poly has no such rule, so the line backs off when it loses its address; it does not wait
    for the end of that when there is a network again."""
    server = world.registrar(FAR[4], expires_s=4)
    phone = world.phone({SERVER: FAR[4]})
    phone.wait_state('registered')
    world.far.remove_address(NEAR[4])
    phone.wait_state('backing off')
    world.give_back(NEAR[4], server)
    phone.wait_state('registered')


@live_test(world=FarWorld)
def bound_address_gone(world):
    """REG-6 (part), PROBE-9 (part): a phone that is bound to one address has no network while that is gone, whatever
    others there are; its socket serves again when it is back."""
    world.far.add_address('192.0.2.3')
    server = world.registrar(FAR[4], expires_s=4)
    phone = world.phone({SERVER: FAR[4]}, '--profile', 'versity', bind='192.0.2.3:5070')
    phone.wait_state('registered')
    world.far.remove_address('192.0.2.3')
    wait_for(lambda: 'no way leads to any server' in phone.log(), 'the lost address is noticed')
    lost_ms = world.log.now_ms()
    wait_for(lambda: world.log.now_ms() > lost_ms + 5000, 'the registration runs out')
    expect_equal('state', phone.entry()['state'], 'registered')
    again = world.give_back('192.0.2.3', server)
    expect_equal('its source', again.source, '192.0.2.3:5070')


@live_test(world=FarWorld)
def no_resolver_at_first(world):
    """REG-6 (part): the machine has a network, but learns of a DNS server later, as with DHCP."""
    server = world.registrar(FAR[4])
    (world.folder / 'resolv.conf').write_text('')
    phone = world.phone({SERVER: DOMAIN})
    phone.wait_state('backing off')
    written_ms = world.log.now_ms()
    world.names(FAR[4], two_servers(4))
    first = server.wait('REGISTER')
    expect_between('REGISTER after a DNS server is named', first.at_ms - written_ms, 0, AT_ONCE_MS)


@live_test(world=FarWorld)
def resolver_out_of_reach(world):
    """PROBE-9 (part): no way leads to the DNS server, but one to the server that is given by its address."""
    server = world.registrar(FAR[4])
    (world.folder / 'resolv.conf').write_text('nameserver 198.51.100.1\n')
    phone = world.phone({SERVER: FAR[4]}, '--profile', 'versity')
    phone.wait_state('registered')
    expect_equal('REGISTERs', len(server.find('REGISTER')), 1)
    expect('no way leads' not in phone.log(), 'the log tells of no lost network')


@live_test(world=FarWorld)
def no_network_at_first(world):
    """REG-6 (part): a machine without a network; the line registers as soon as there is one."""
    server = world.registrar(FAR[4])
    world.names(FAR[4], two_servers(4))
    world.far.remove_address(NEAR[4])
    phone = world.phone({SERVER: DOMAIN})
    phone.wait_state('backing off')
    up_ms = world.log.now_ms()
    world.far.add_address(NEAR[4])
    again = server.wait('REGISTER', since_ms=up_ms)
    expect_between('REGISTER after there is a network', again.at_ms - up_ms, 0, AT_ONCE_MS)
    phone.wait_state('registered')


def closed_port(world, family):
    dead = world.registrar(FAR[family])
    server = world.registrar(SECOND[family])
    world.names(FAR[family], two_servers(family))
    dead.close()
    phone = world.phone({SERVER: DOMAIN})
    phone.wait_state('registered')
    first, begun_ms = server.wait('REGISTER'), world.log.ms_of(phone.told_ns('routes found'))
    expect_between('REGISTER to the second server, after the first one was tried', first.at_ms - begun_ms, -LOG_MS, LATE_MS)
    expect('port unreachable' in phone.log(), 'the log says why')


@live_test(world=FarWorld)
def icmp_port(world):
    """TRIG-1 (part): nobody listens on the first server's port: the next one at once, not after 500 ms."""
    closed_port(world, 4)


@live_test(world=FarWorld)
def icmp_port_ipv6(world):
    """TRIG-1 (part): the same over IPv6, with names that have AAAA records alone."""
    closed_port(world, 6)


def missing_host(world, family, absent):
    """The kernel itself says that nobody answers ARP, or IPv6's neighbour discovery, after 3 s."""
    server = world.registrar(SECOND[family])
    records = two_servers(family)
    records[f'one.{DOMAIN}', dns.A if family == 4 else dns.AAAA] = [absent]
    world.names(FAR[family], records)
    started_ms = world.log.now_ms()
    phone = world.phone({SERVER: DOMAIN, 'reg.1.server.1.retryTimeOut': 10000})
    first = server.wait('REGISTER')
    expect_between('REGISTER to the second server, after the start', first.at_ms - started_ms, 2500, 9000)
    phone.wait_state('registered')
    expect('host unreachable' in phone.log(), 'the log says why')


@live_test(world=FarWorld)
def icmp_host(world):
    """TRIG-1 (part): the first server's host is missing: the next server in 3 s, not after 10 s."""
    missing_host(world, 4, '192.0.2.99')


@live_test(world=FarWorld)
def icmp_host_ipv6(world):
    """TRIG-1 (part): the same over IPv6."""
    missing_host(world, 6, '2001:db8::99')


@live_test(world=FarWorld)
def no_route_to_one(world):
    """TRIG-1 (part), PROBE-9 (part): no route leads to the first server: the next one at once, and that is no lost
    network, although nothing was sent to any other server yet."""
    server = world.registrar(SECOND[4])
    world.names(FAR[4], {**two_servers(4), (f'one.{DOMAIN}', dns.A): ['198.51.100.1']})
    # The DNS takes 2 s, so that the phone's first look at the network is long over.
    world.silent_names(SECOND[4])
    phone = world.phone({SERVER: DOMAIN}, '--profile', 'versity')
    server.wait('REGISTER')
    phone.wait_state('registered')
    expect('udp 198.51.100.1:5060 -> udp 192.0.2.11:5060: the send failed' in phone.log(), 'the first one was tried')
    expect('no way leads' not in phone.log(), 'the log tells of no lost network')


@live_test(world=FarWorld)
def both_families(world):
    """TRIG-1 (part): a server that has IPv4 and IPv6 addresses is reached over the other family when one
    is dead."""
    dead = world.registrar(FAR[4])
    server = world.registrar(FAR[6])
    world.names(FAR[4], {(DOMAIN, dns.A): [FAR[4]], (DOMAIN, dns.AAAA): [FAR[6]]})
    dead.close()
    phone = world.phone({SERVER: DOMAIN})
    phone.wait_state('registered')
    expect_equal('source', server.find('REGISTER')[0].source, f'{host(NEAR[6])}:5070')


def marked(world, family):
    dscp = 46
    server = world.registrar(FAR[family])
    world.phone({SERVER: FAR[family]}, '--dscp', dscp).wait_state('registered')
    expect_equal('traffic class', server.find('REGISTER')[0].traffic_class, dscp << 2)


@live_test(world=FarWorld)
def dscp(world):
    """RFC 2474: --dscp marks the signalling."""
    marked(world, 4)


@live_test(world=FarWorld)
def dscp_ipv6(world):
    """RFC 2474: the same over IPv6."""
    marked(world, 6)


def asked_elsewhere(world, family, other):
    """A server asks another of the phone's addresses than that which it registers from."""
    server = world.registrar(FAR[family])
    world.phone({SERVER: FAR[family]}).wait_state('registered')
    world.far.add_address(other)
    via = f'SIP/2.0/UDP {host(FAR[family])}:9;branch=z9hG4bKasked;rport'
    server.socket.sendto(OPTIONS.format(via=via, to=host(other)).encode(), (other, 5070))
    answer = wait_for(lambda: [packet for packet in server.packets if packet.status], 'an answer')[0]
    expect_equal('status', answer.status, 200)
    expect_equal('source of the answer', answer.source, f'{host(other)}:5070')
    expect(f'received={FAR[family]}' in answer.header('Via'), 'its Via has the address that it was asked from')
    expect('rport=5060' in answer.header('Via'), 'and the port')


@live_test(world=FarWorld)
def answers_leave_from_where_asked(world):
    """RFC 3581 4: an answer goes back the way its request came: the same addresses, the same ports."""
    asked_elsewhere(world, 4, '192.0.2.44')


@live_test(world=FarWorld)
def answers_leave_from_where_asked_ipv6(world):
    """RFC 3581 4: the same over IPv6."""
    asked_elsewhere(world, 6, '2001:db8::44')


if __name__ == '__main__':
    run_tests()
