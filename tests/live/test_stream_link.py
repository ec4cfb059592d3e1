#!/usr/bin/env python3
"""Streams and the phone's own network: an address that goes takes its streams with it."""
import socket
import ssl

from harness import authority
from harness.expect import expect, expect_between, expect_equal
from harness.far import AT_ONCE_MS, FAR, NEAR, NOTICED_MS, FarWorld, host
from harness.run import live_test, run_tests
from harness.waiting import wait_for

TCP = {'reg.1.server.1.address': FAR[4], 'reg.1.server.1.transport': 'TCPOnly'}


def registered(world, profile, bind='[::]:5070'):
    server = world.registrar(FAR[4], kind=socket.SOCK_STREAM)
    phone = world.phone(TCP, '--profile', profile, bind=bind)
    phone.wait_state('registered')
    return server, phone


def address_moves(world, profile):
    new = '192.0.2.3'
    server, phone = registered(world, profile)
    changed_ms = world.log.now_ms()
    world.far.remove_address(NEAR[4])
    world.far.add_address(new)
    second = server.wait('REGISTER', since_ms=changed_ms)
    expect_between('REGISTER after the change', second.at_ms - changed_ms, 0, AT_ONCE_MS)
    expect_equal('the address of its stream', second.source.rpartition(':')[0], host(new))
    expect(f'@{host(new)}:5070;transport=tcp>' in second.header('Contact'), 'its Contact has the new address')
    phone.wait_state('registered')
    expect_equal('connections', len(server.connections), 2)
    expect_equal('streams of the phone', phone.counter('streams'), 1)
    expect('no way leads' not in phone.log(), 'the log tells of no lost network')
    return phone


@live_test(world=FarWorld)
def address_changes(world):
    """REG-6 (part), TRIG-6 (part): the stream of an address that is gone is closed; a new one carries a REGISTER with the
    new Contact at once."""
    address_moves(world, 'poly')


@live_test(world=FarWorld)
def address_changes_frozen(world):
    """REG-6 (part), PROBE-9 (part): where this side's network is nobody's failure the registration is not lost with the
    stream."""
    phone = address_moves(world, 'versity')
    expect('backing off' not in phone.log() and 'failing over' not in phone.log(), 'no status changed')


@live_test(world=FarWorld)
def address_goes_and_comes(world):
    """REG-6 (part), PROBE-9 (part): without an address the stream is gone and the line waits; when the address is back it
    registers over a new stream at once."""
    server, phone = registered(world, 'versity')
    world.far.remove_address(NEAR[4])
    wait_for(lambda: 'no way leads to any server' in phone.log(), 'the lost address is noticed')
    wait_for(lambda: phone.counter('streams') == 0, 'the stream is gone')
    expect_equal('state', phone.entry()['state'], 'registered')
    world.give_back(NEAR[4], server)
    phone.wait_state('registered')


@live_test(world=FarWorld)
def peer_vanishes(world):
    """KEEP-2, TRIG-6 (part): the far end of an idle TLS stream vanishes without a word: the stream is lost after the idle
    time and four keep-alives without an answer, here 10 s + 4 * 5 s, and the registration with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue(world.folder, 'far', f'IP:{FAR[4]}'))
    server = world.registrar(FAR[4], kind=socket.SOCK_STREAM, context=context)
    phone = world.phone({'reg.1.server.1.address': FAR[4], 'reg.1.server.1.transport': 'TLS', 'reg.1.server.1.port': 5060,
                         'tcpIpApp.keepalive.tcp.sip.tls.enable': 1, 'tcpIpApp.keepalive.tcp.idleTransmitInterval': 10,
                         'tcpIpApp.keepalive.tcp.noResponseTransmitInterval': 5},
                        '--ca-file', authority.certificate_file(world.folder))
    phone.wait_state('registered')
    last_ms = server.find('REGISTER')[0].at_ms
    wait_for(lambda: world.log.now_ms() > last_ms + 12000, 'the first keep-alive is answered', within_s=30)
    expect_equal('state', phone.entry()['state'], 'registered')
    world.far.silence(NEAR[4])
    phone.wait_state('backing off', within_s=80)
    # The keep-alive that was answered, 10 s after the REGISTER, was the last traffic.
    expect_between('loss after the REGISTER', world.log.now_ms() - last_ms, 40000 - 500, 40000 + 4000)
    expect('keep-alives unanswered' in phone.log(), 'the log says why')


@live_test(world=FarWorld)
def unrelated_address(world):
    """REG-6 (part): an address that no stream leaves from takes none with it."""
    server, phone = registered(world, 'poly')
    world.far.add_address('192.0.2.77')
    world.far.remove_address('192.0.2.77')
    gone_ms = world.log.now_ms()
    wait_for(lambda: world.log.now_ms() > gone_ms + 2 * NOTICED_MS, 'some time')
    expect_equal('streams', phone.counter('streams'), 1)
    expect_equal('REGISTERs', len(server.find('REGISTER')), 1)


if __name__ == '__main__':
    run_tests()
