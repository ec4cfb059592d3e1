#!/usr/bin/env python3
"""Lines over TCP and TLS, against Kamailio: registration, calls, and what fails a stream."""
from harness import authority
from harness.expect import expect, expect_between, expect_equal, expect_time
from harness.names import srv_records
from harness.registrar import PASSWORD, TLS_PORT
from harness.run import live_test, run_tests
from harness.world import SERVERS

TCP_RECORDS = srv_records(SERVERS, owner='_sip._tcp')
TLS_RECORDS = srv_records(SERVERS, owner='_sips._tcp', port=TLS_PORT)
FAST_MS = 2000
AT_ONCE_MS = 100
FAST = {'voIpProt.SIP.tcpFastFailover': 1, 'voIpProt.SIP.tcpFastFailover.timeout': FAST_MS}
TCP = {**FAST, 'reg.1.server.1.transport': 'TCPOnly'}
TLS = {**FAST, 'reg.1.server.1.transport': 'TLS'}


def trusting(world):
    """The options of a phone that trusts the test's own authority."""
    return '--ca-file', authority.certificate_file(world.folder)


def connections(world, registrar, since_ms=0):
    return world.log.find(target=registrar.address, since_ms=since_ms, where=lambda packet: packet.connects)


def wait_connection(world, registrar, within_s=5.0):
    return world.log.wait_one(f'a connection to {registrar.name}', within_s=within_s, target=registrar.address,
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
    phone.wait_state('registered', world.sbc2, within_s=8)


@live_test(records=TLS_RECORDS, streams=True)
def handshake_stalls(world):
    """TIME-5 (part), TIME-6 (part): connect and handshake count in the window. T06 over TLS."""
    world.sbc1.freeze()
    phone = world.phone(TLS, trusting(world))
    first = wait_connection(world, world.sbc1)
    second = wait_connection(world, world.sbc2)
    expect_time('connection to sbc2', second.at_ms - first.at_ms, FAST_MS)
    phone.wait_state('registered', world.sbc2, within_s=8)


@live_test(records=TLS_RECORDS, streams=True)
def refused(world):
    """TRIG-4 (part): nobody listens: the next route at once."""
    world.sbc1.stop()
    phone = world.phone(TLS, trusting(world))
    first = wait_connection(world, world.sbc1)
    second = wait_connection(world, world.sbc2)
    expect_between('connection to sbc2', second.at_ms - first.at_ms, 0, AT_ONCE_MS)
    entry = phone.wait_state('registered', world.sbc2)
    expect_equal('fault of the first route', entry['routes'][0]['last_fault'], 'connection refused')


@live_test(records=TLS_RECORDS, streams=True, certificate_names={'sbc1': 'DNS:sbc1.example.test'})
def wrong_certificate(world):
    """TRIG-4 (part): the first server's certificate names the SRV target and not the domain (RFC 5922 4): the next route
    at once, with the reason in the log."""
    phone = world.phone(TLS, trusting(world))
    first = wait_connection(world, world.sbc1)
    second = wait_connection(world, world.sbc2)
    expect_between('connection to sbc2', second.at_ms - first.at_ms, 0, 2 * AT_ONCE_MS)
    phone.wait_state('registered', world.sbc2)
    expect('hostname mismatch' in phone.log(), 'the log says why')


@live_test(records=TLS_RECORDS, streams=True)
def unknown_authority(world):
    """TRIG-4 (part): who trusts only the system's authorities registers nowhere here, and says why."""
    phone = world.phone(TLS)
    phone.wait_state('backing off')
    expect('certificate' in phone.log(), 'the log says why')
    expect_equal('contacts', [row for server in world.registrars for row in server.contacts()], [])


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
    phone.wait_state('registered', world.sbc1, within_s=15)


@live_test(records=TCP_RECORDS, streams=True)
def lost_under_a_request(world):
    """TRIG-6 (part): the stream drops while a request waits on it: the request goes on to the next route at once."""
    phone = world.registered_phone({**TCP, 'reg.1.server.1.failOver.reRegisterOn': 1})
    world.sbc1.freeze()
    call = phone.call()
    invite = world.wait_sent('INVITE', world.sbc1)[0]
    world.sbc1.stop()
    world.wait_call_up(world.sbc2)
    moved = world.sent('INVITE', world.sbc2)[0]
    expect_between('INVITE to sbc2', moved.at_ms - invite.at_ms, 0, FAST_MS - AT_ONCE_MS)
    expect_equal('its Call-ID', moved.call_id, invite.call_id)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


if __name__ == '__main__':
    run_tests()
