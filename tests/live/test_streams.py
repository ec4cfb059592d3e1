#!/usr/bin/env python3
"""Lines over TCP and TLS, against Kamailio: registration, calls, and what fails a stream. More of that: test_faults.py."""
import contextlib
import socket

from harness import authority
from harness.expect import LATE_MS, expect, expect_between, expect_equal, expect_time
from harness.names import DOMAIN, srv_records
from harness.phone import BIND
from harness.registrar import PASSWORD, TLS_PORT
from harness.run import live_test, run_tests
from harness.waiting import PATIENCE_S
from harness.world import SERVERS

TCP_RECORDS = srv_records(SERVERS, owner='_sip._tcp')
TLS_RECORDS = srv_records(SERVERS, owner='_sips._tcp', port=TLS_PORT)
FAST_MS, SLOW_MS = 2000, 5000
FAST = {'voIpProt.SIP.tcpFastFailover': 1, 'voIpProt.SIP.tcpFastFailover.timeout': FAST_MS}
TCP = {**FAST, 'reg.1.server.1.transport': 'TCPOnly'}
TLS = {**FAST, 'reg.1.server.1.transport': 'TLS'}


def trusting(world):
    """The options of a phone that trusts the test's own authority."""
    return '--ca-file', authority.certificate_file(world.folder)


def connections(world, registrar, since_ms=0):
    return world.log.find(target=registrar.address, since_ms=since_ms, where=lambda packet: packet.connects)


def wait_connection(world, registrar):
    return world.log.wait_one(f'a connection to {registrar.name}', target=registrar.address,
                              where=lambda packet: packet.connects)


@live_test(records=TCP_RECORDS, streams=True)
def call_over_tcp(world):
    """KEEP-5 (part), REG-7 (part): registration and call over one stream; the far end of the call hangs off Kamailio's
    UDP side."""
    phone = world.registered_phone(TCP)
    register = world.sent('REGISTER', world.sbc1)[0]
    expect(register.header('Via').startswith('SIP/2.0/TCP '), 'Via says TCP')
    expect(';transport=tcp' in register.header('Contact'), 'Contact says TCP')
    call = phone.call()
    world.wait_call_up(world.sbc1)
    call.hang_up()
    world.wait_answered('BYE', 200, world.sbc1)
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('exit status of the phone', phone.leave(), 0)
    expect_equal('contacts at sbc1', world.sbc1.contacts(), [])
    expect_equal('connections to sbc1', len(connections(world, world.sbc1)), 1)


@live_test(records=TLS_RECORDS, streams=True)
def call_over_tls(world):
    """TRIG-4 (part): the certificate names the domain that was configured; nothing goes in clear."""
    phone = world.registered_phone(TLS, trusting(world))
    expect(';transport=tls' in world.sbc1.contacts()[0], 'Contact says TLS')
    call = phone.call()
    world.log.wait_one('ACK at the callee', method='ACK', target=world.callees[0].address)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('exit status of the phone', phone.leave(), 0)
    expect_equal('contacts at sbc1', world.sbc1.contacts(), [])
    expect_equal('connections to sbc1', len(connections(world, world.sbc1)), 1)
    clear = world.log.find(target=f'{world.sbc1.address}:{TLS_PORT}', where=lambda packet: packet.is_sip)
    expect_equal('SIP in clear', clear, [])
    expect(PASSWORD not in phone.log(), 'the password stands in no log')


@live_test(records=TCP_RECORDS, streams=True)
def frozen_over_tcp(world):
    """TIME-5 (part), TIME-6: the first server takes connections and says nothing: one send, and the next route after
    2000 ms. T04 over TCP."""
    world.sbc1.freeze()
    phone = world.phone(TCP)
    first = wait_connection(world, world.sbc1)
    second = wait_connection(world, world.sbc2)
    expect_time('connection to sbc2', second.at_ms - first.at_ms, FAST_MS)
    expect_equal('REGISTERs to sbc1', len(world.sent('REGISTER', world.sbc1, until_ms=second.at_ms)), 1)
    phone.wait_state('registered', world.sbc2)


@live_test(records=TLS_RECORDS, streams=True)
def unknown_authority(world):
    """TRIG-4 (part): who trusts only the system's authorities registers nowhere here, and says why."""
    phone = world.phone(TLS)
    phone.wait_state('backing off')
    expect('certificate' in phone.log(), 'the log says why')
    expect_equal('contacts', [row for server in world.registrars for row in server.contacts()], [])


@live_test(records=TLS_RECORDS, streams=True, shown=f'DNS:{{name}}.{DOMAIN}')
def certificate_for_the_target(world):
    """TRIG-4 (part), RFC 5922 4: whom the SRV records name is not whom was asked for: certificates for the targets alone,
    by an authority that is trusted, register nobody, and it says why. (With the domain in them: call_over_tls.)"""
    phone = world.phone(TLS, trusting(world))
    phone.wait_state('backing off')
    expect_equal('contacts', [row for server in world.registrars for row in server.contacts()], [])
    for server in world.registrars:
        expect(f'{server.address}:{TLS_PORT}' in phone.log(), f'{server.name} was tried')
    expect('hostname mismatch' in phone.log(), 'the log says why')


@live_test(records=TCP_RECORDS, streams=True)
def stream_lost(world):
    """TRIG-6 (part): the far end of an idle stream goes away: the registration is lost, without a failover; after the
    back-off the line is there again."""
    phone = world.registered_phone({**TCP, 'reg.1.server.1.registerRetry.baseTimeOut': 10})
    world.sbc1.stop()
    lost = phone.wait_state('backing off')
    expect(not lost['registered'], 'the status says: not registered')
    expect_equal('connections to sbc2', connections(world, world.sbc2), [])
    world.sbc1.start()
    phone.wait_state('registered', world.sbc1, within_s=40)


@live_test(records=TCP_RECORDS, streams=True)
def lost_under_a_request(world):
    """TRIG-6 (part): the stream drops while a request waits on it: the request goes on to the next route at once."""
    phone = world.registered_phone({**TCP, 'reg.1.server.1.failOver.reRegisterOn': 1,
                                    'voIpProt.SIP.tcpFastFailover.timeout': SLOW_MS})
    world.sbc1.freeze()
    call = phone.call()
    invite = world.wait_sent('INVITE', world.sbc1)[0]
    world.sbc1.stop()
    end = world.log.wait_one('the end of the stream', source=world.sbc1.address, where=lambda packet: packet.ends)
    world.wait_call_up(world.sbc2)
    moved = world.sent('INVITE', world.sbc2)[0]
    expect_between('INVITE to sbc2', moved.at_ms - end.at_ms, 0, 2 * LATE_MS)
    expect_equal('its Call-ID', moved.call_id, invite.call_id)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


ASK = ('OPTIONS sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.1.1:1;branch=z9hG4bK{branch}\r\n'
       'From: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: {branch}\r\nCSeq: 1 OPTIONS\r\n'
       '{more}Content-Length: 0\r\n\r\n')


def connect_from(address):
    """A stream to the phone; what the kernel may refuse is a failure."""
    host, _, port = BIND.partition(':')
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S, source_address=(address, 0))


def ends(stream):
    """Whether the phone ends the stream without a word."""
    try:
        return stream.recv(4096) == b''
    except ConnectionResetError:
        return True


@live_test(records=TCP_RECORDS, streams=True)
def hostile_streams(world):
    """CALL-2 (part): strangers, endless heads, 10,000 headers, garbage and slow writers from a server's address: dropped
    and counted, while an honest call goes on."""
    phone = world.registered_phone(TCP)
    call = phone.call()
    world.wait_call_up(world.sbc1)
    with connect_from('127.0.3.7') as stranger:
        expect(ends(stranger), 'a stranger is not let in')
    with connect_from(world.sbc1.address) as endless:
        with contextlib.suppress(ConnectionError):
            endless.sendall(b'OPTIONS sip:a@b SIP/2.0\r\nX: ' + b'x' * (1 << 20))
        expect(ends(endless), 'a head without an end ends its stream')
    with connect_from(world.sbc1.address) as garbage:
        with contextlib.suppress(ConnectionError):
            garbage.sendall(bytes(range(256)) * 1024)
        expect(ends(garbage), 'garbage ends its stream')
    with connect_from(world.sbc1.address) as many:
        many.sendall(ASK.format(branch='many', more='A: b\r\n' * 10000).encode())
        many.sendall(ASK.format(branch='few', more='').encode())
        heard = part = many.recv(4096)
        while part and b'Call-ID: few' not in heard:
            part = many.recv(4096)
            heard += part
        expect(b'Call-ID: few' in heard, 'a message with 10,000 headers is refused, and the next one is answered')
        expect(heard.startswith(b'SIP/2.0 400 '), 'the refusal is a 400')
    with connect_from(world.sbc1.address) as slow:
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in ASK.format(branch='slow', more='').encode():
            slow.sendall(bytes([byte]))
        expect(slow.recv(4096).startswith(b'SIP/2.0 200 '), 'one byte at a time is answered as well')
    expect_equal('broken streams', phone.counter('broken_streams'), 2)
    call.hang_up()
    world.wait_answered('BYE', 200, world.sbc1)
    expect_equal('exit status of the call', call.wait(), 0)


if __name__ == '__main__':
    run_tests()
