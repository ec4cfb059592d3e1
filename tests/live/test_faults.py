#!/usr/bin/env python3
"""The table of faults: for each, the time from the fault to the next route, as the engine has it and as it is on the wire.

Each fault is a test of its own, and runs alone by its name; `table` runs all of them, RUNS times (3), each in namespaces
of its own, prints the table, and writes it to the file TABLE too if the environment names one.
"""
import re
import socket

from harness import authority, dns, faults, streams
from harness.expect import expect, expect_equal
from harness.far import FAR, ip
from harness.faults import APART_MAX_MS, FIRST, LIE, NAMES, NEXT, OTHER_NAMES, STRANGER, UNUSED, Figures, fault
from harness.names import DOMAIN
from harness.packets import NS_PER_MS, PacketLog
from harness.registrar import TLS_PORT
from harness.run import live_test, run_tests
from harness.waiting import wait_for

TCP, TLS = 'TCPOnly', 'TLS'
SLOW_MS = 700
AT_ONCE_MS = 0  # the resolver's rule for servers that refuse, fail or are unreachable
LINES, LOSSY_MS = 8, 2000
NEAR_NAMES = '127.0.0.53'
SHORT_TTL_S = 1
HOST_UNREACHABLE = 'type 3 code 1'
ROUTER_NET, OUR_ADDRESS_THERE, MISSING = '198.51.100.0/24', '198.51.100.2/24', '198.51.100.99'


# TCP

@fault
def tcp_refused(world):
    """TRIG-4 (part): nobody listens."""
    world.stream_server(NEXT)
    phone = world.start_phone(TCP)
    figures = world.report(phone, world.came(FIRST, where=lambda packet: packet.ends), f'refused for tcp {FIRST}')
    entry = world.wait_registered(phone, NEXT)
    expect_equal('fault of the first route', entry['routes'][0]['last_fault'], 'connection refused')
    return figures


@fault
def tcp_syn_dropped(world):
    """TIME-5 (part), TIME-6 (part), TRIG-4 (part): no SYN to the first server arrives. Connecting counts in the window."""
    world.records = faults.records(first=UNUSED)
    world.stream_server(NEXT)
    return world.silence(world.start_phone(TCP), first=UNUSED)


@fault
def tcp_silent(world):
    """TIME-5 (part): the first server takes the connection and the request, and says nothing. T04 (part)."""
    server = world.stream_server(FIRST, streams.silent)
    world.stream_server(NEXT)
    figures = world.silence(world.start_phone(TCP))
    expect_equal('connections to the first server', len(server.streams), 1)
    expect_equal('requests to it', len(world.near_log.find(target=FIRST, method='REGISTER')), 1)
    return figures


@fault
def tcp_silent_64_t1(world):
    """TIME-5 (part): the same without fast failover: 64*T1, T1 being 100 ms."""
    world.stream_server(FIRST, streams.silent)
    world.stream_server(NEXT)
    return world.silence(world.start_phone(TCP, tcp_fast_failover='false', walk_bounded='false', t1='100ms'))


@fault
def tcp_reset_under_request(world):
    """TRIG-6 (part): the first server takes the request, and resets the stream."""
    world.stream_server(FIRST, lambda stream: stream.read() and stream.reset())
    world.stream_server(NEXT)
    phone = world.start_phone(TCP)
    return world.report(phone, world.came(FIRST, where=lambda packet: packet.ends), f'for tcp {FIRST}')


@fault
def tcp_end_under_request(world):
    """TRIG-6 (part): the same by a FIN."""
    world.stream_server(FIRST, lambda stream: stream.read() and stream.close())
    world.stream_server(NEXT)
    phone = world.start_phone(TCP)
    return world.report(phone, world.came(FIRST, where=lambda packet: packet.ends), f'for tcp {FIRST}')


@fault
def tcp_end_while_idle(world):
    """TRIG-6 (part): a FIN on a stream without requests: the registration is lost, nothing fails over; after the
    back-off the line comes again."""
    server = world.stream_server(FIRST)
    world.stream_server(NEXT)
    phone = world.registered_phone(TCP)
    server.streams[0].close()
    end = world.came(FIRST, where=lambda packet: packet.ends)
    again = world.sent(FIRST, since_ms=end.at_ms, where=lambda packet: packet.connects)
    expect_equal('packets to the next server', world.near_log.find(target=NEXT), [])
    return Figures(world.backoff_ms(phone), again.at_ms - end.at_ms)


@fault
def tcp_half_an_answer(world):
    """TIME-5 (part): the first server sends half of its answer and no more."""
    def half(stream, answer):
        stream.send(answer[:len(answer) // 2])
    world.stream_server(FIRST, lambda stream: streams.register(stream, half))
    world.stream_server(NEXT)
    return world.silence(world.start_phone(TCP))


# What must work.

def stays(world, reply):
    """The first server REPLYs so, and the line stays there."""
    world.stream_server(FIRST, lambda stream: streams.register(stream, reply))
    world.stream_server(NEXT)
    world.registered_phone(TCP)
    expect_equal('packets to the next server', world.near_log.find(target=NEXT), [])


@fault
def tcp_answer_in_halves(world):
    """RFC 3261 18.3: the second half of an answer comes when the first has been read."""
    def halves(stream, answer):
        middle = len(answer) // 2
        stream.send(answer[:middle])
        world.came(FIRST, where=lambda packet: packet.payload == answer[:middle])
        stream.send(answer[middle:])
    stays(world, halves)


@fault
def tcp_two_in_a_segment(world):
    """KEEP-5 (part), RFC 3261 18.3: the answer and a request come in one segment; both are heard, and the request is answered
    on that stream."""
    stays(world, lambda stream, answer: stream.send(answer + streams.OPTIONS))
    world.sent(FIRST, method='OPTIONS', status=200)


@fault
def tcp_byte_by_byte(world):
    """RFC 3261 18.3: each byte of the answer has a segment of its own."""
    stays(world, lambda stream, answer: stream.send(*(answer[at:at + 1] for at in range(len(answer)))))


# TLS

def untrusted(world, certificate, why):
    """The first server shows that certificate; the next one a good one."""
    world.stream_server(FIRST, certificate=certificate)
    world.stream_server(NEXT, certificate=world.certificate())
    phone = world.start_phone(TLS)
    moved = world.sent(NEXT)
    shown = world.last_before(moved, source=FIRST, where=lambda packet: packet.payload)
    figures = world.report(phone, shown, f'no trusted connection for tls {FIRST}')
    expect(why in phone.log(), f'the log says why: {why}')
    return figures


@fault
def tls_wrong_name(world):
    """TRIG-4 (part), RFC 5922 7.2: the certificate names the SRV target, not the domain."""
    return untrusted(world, world.certificate('wrong', f'DNS:first.{DOMAIN}'), 'hostname mismatch')


@fault
def tls_expired(world):
    """TRIG-4 (part): the certificate ran out yesterday."""
    return untrusted(world, world.certificate('old', days=-1), 'certificate has expired')


@fault
def tls_unknown_authority(world):
    """TRIG-4 (part): nobody whom the phone trusts has signed the certificate."""
    folder = world.folder / 'others'
    folder.mkdir()
    return untrusted(world, authority.issue(folder, 'other', f'DNS:{DOMAIN}'), 'local issuer')


@fault
def tls_handshake_stalls(world):
    """TIME-5 (part), TIME-6 (part): connect and handshake count in the window. T06 over TLS."""
    world.stream_server(FIRST, streams.silent, port=TLS_PORT)
    world.stream_server(NEXT, certificate=world.certificate())
    return world.silence(world.start_phone(TLS))


# UDP

@fault
def udp_silent(world):
    """TIME-1 (part): the first server says nothing. T01 (part)."""
    world.udp_server(FIRST, lambda packet: None)
    world.udp_server(NEXT)
    return world.silence(world.start_phone())


@fault
def udp_port_closed(world):
    """TRIG-1 (part): the first server's port is closed, and ICMP says so."""
    world.udp_server(NEXT)
    phone = world.start_phone()
    return world.report(phone, world.came(FIRST, where=lambda packet: packet.icmp), f'for (udp )?{FIRST}')


@fault
def udp_host_missing(world):
    """TRIG-1 (part), TRIG-4 (part): the first server is no host of the local network: the kernel reports that when nobody
    has answered its ARP requests, by an ICMP message to itself."""
    loopback = PacketLog()
    loopback.start()
    world.lay_lan(OUR_ADDRESS_THERE)
    world.records = faults.records(first=MISSING)
    world.udp_server(NEXT)
    phone = world.start_phone(attempts_max=100)
    told = loopback.wait_one('the report', where=lambda packet: packet.icmp == HOST_UNREACHABLE)
    loopback.stop()
    told.at_ms += (loopback.start_ns - world.near_log.start_ns) / NS_PER_MS
    return world.report(phone, told, f'for (udp )?{MISSING}')


@fault
def udp_unreachable_by_router(world):
    """TRIG-1 (part): a router has no way to the first server, and says so by ICMP."""
    world.make_router(ROUTER_NET)
    world.records = faults.records(first=MISSING)
    world.udp_server(NEXT)
    phone = world.start_phone()
    return world.report(phone, world.came(FAR[4], where=lambda packet: packet.icmp), f'for (udp )?{MISSING}')


@fault
def udp_unreachable_from_here(world):
    """TRIG-1 (part): this machine itself has no way to the first server: nothing leaves, and the next one has its turn
    once the names are known."""
    ip('route', 'add', 'unreachable', f'{MISSING}/32')
    world.records = faults.records(first=MISSING)
    world.udp_server(NEXT)
    phone = world.start_phone()
    answer = world.last_before(world.sent(NEXT), source=NAMES)
    figures = world.report(phone, answer, 'routes found')
    expect_equal('packets to the first server', world.near_log.find(target=MISSING), [])
    return figures


@fault
def udp_loss(world):
    """TIME-1 (part): 30 % of the packets are lost, each way, for two seconds. Eight lines register; each sends when the
    engine does to whom nobody answers, until an answer comes through, and no more. The send that is farthest off counts."""
    dns.FakeServer(NEAR_NAMES, lambda query: dns.answer(query, world.records))  # it loses nothing
    world.use_names(NEAR_NAMES)
    world.wire.set('both', loss=30)
    world.udp_server(FIRST)
    world.udp_server(NEXT)
    phone = world.start_phone(lines=LINES)
    end_ms = world.sent(FIRST).at_ms + LOSSY_MS
    wait_for(lambda: world.near_log.now_ms() > end_ms, 'the end of the losses')
    world.wire.set('both', loss=0)
    wait_for(lambda: phone.log().count('registering -> registered') == LINES, 'all lines are registered', within_s=40)
    requests, granted = (world.near_log.find(method='REGISTER', status=status) for status in (None, 200))
    steps = world.steps(phone)
    figures = []
    for line in range(1, LINES + 1):
        sends, answers = ([packet for packet in packets if line_of(packet) == line] for packets in (requests, granted))
        heard_ms = answers[0].at_ms - sends[0].at_ms
        least, most = (sum(step['t_ms'] < heard_ms + apart_ms for step in steps)
                       for apart_ms in (-APART_MAX_MS, APART_MAX_MS))
        expect(max(least, 1) <= len(sends) <= most, f'{len(sends)} sends of line {line} until {heard_ms:.0f} ms')
        figures += [Figures(step['t_ms'], send.at_ms - sends[0].at_ms) for step, send in zip(steps, sends)]
    return max(figures, key=Figures.apart_ms)


def line_of(packet):
    """The number of the line that a REGISTER or its answer is about."""
    return int(re.search(r'<sip:(?:alice|line(\d+))@', packet.header('From'))[1] or 1)


# DNS

def next_names(world, engine_ms, since=None):
    """The first DNS server is passed over; the next one is asked."""
    world.use_names(OTHER_NAMES, NAMES)
    world.udp_server(FIRST)
    phone = world.start_phone(**faults.PATIENT)
    asked = world.sent(NAMES)
    start = world.last_before(asked, source=since) if since else world.sent(OTHER_NAMES)
    world.wait_registered(phone)
    expect_equal('packets to where a lie leads', world.near_log.find(target=LIE), [])
    return Figures(engine_ms, asked.at_ms - start.at_ms)


@fault
def dns_silent(world):
    """DNS-17 (part): the first DNS server says nothing: the resolver's own time, once, then the next one from then on."""
    silent = world.dns_server(OTHER_NAMES, lambda packet: None)
    figures = next_names(world, faults.resolver('TRY_MS'))
    expect_equal('queries to the silent server', len(silent.packets), 1)
    return figures


@fault
def dns_port_closed(world):
    """DNS-17 (part): nobody listens there, and ICMP says so."""
    return next_names(world, AT_ONCE_MS, since=OTHER_NAMES)


@fault
def dns_refuses(world):
    """DNS-17 (part): REFUSED is an answer."""
    world.dns_server(OTHER_NAMES, lambda packet: dns.answer(packet.payload, {}, dns.REFUSED))
    return next_names(world, AT_ONCE_MS, since=OTHER_NAMES)


@fault
def dns_fails(world):
    """DNS-17 (part): SERVFAIL is an answer."""
    world.dns_server(OTHER_NAMES, lambda packet: dns.answer(packet.payload, {}, dns.SERVFAIL))
    return next_names(world, AT_ONCE_MS, since=OTHER_NAMES)


def lie(query):
    return dns.answer(query, faults.records(LIE, LIE))


@fault
def dns_lies_with_another_id(world):
    """DNS-17 (part), RFC 5452 9: an answer with another id is none."""
    def reply(packet):
        answer = lie(packet.payload)
        return bytes([answer[0] ^ 1]) + answer[1:]
    world.dns_server(OTHER_NAMES, reply)
    return next_names(world, faults.resolver('TRY_MS'))


@fault
def dns_lies_about_another_name(world):
    """DNS-17 (part), RFC 5452 9: an answer to another question is none."""
    asked, other = 'example', 'ezample'
    forged = {(name.replace(asked, other), kind): values for (name, kind), values in faults.records(LIE, LIE).items()}

    def reply(packet):
        return dns.answer(packet.payload.replace(asked.encode(), other.encode()), forged)
    world.dns_server(OTHER_NAMES, reply)
    return next_names(world, faults.resolver('TRY_MS'))


@fault
def dns_lies_from_another_address(world):
    """DNS-17 (part), RFC 5452 9: an answer from another address, with the right port and id, is none."""
    stranger = world.far.bind(STRANGER, 53)

    def reply(packet):
        address, _, port = packet.source.rpartition(':')
        stranger.sendto(lie(packet.payload), (address, int(port)))
    world.dns_server(OTHER_NAMES, reply)
    return next_names(world, faults.resolver('TRY_MS'))


@fault
def dns_truncated(world):
    """DNS-17 (part): the answer does not fit a datagram: it is asked for again over TCP."""
    def over_tcp(stream):
        size = stream.connection.recv(2, socket.MSG_WAITALL)
        query = stream.connection.recv(int.from_bytes(size, 'big'), socket.MSG_WAITALL)
        answer = dns.answer(query, world.records)
        stream.send(len(answer).to_bytes(2, 'big') + answer)
    world.dns_reply = lambda packet: dns.truncated(packet.payload)
    world.stream_server(NAMES, over_tcp, port=53)
    world.udp_server(FIRST)
    phone = world.start_phone(**faults.PATIENT)
    cut = world.came(NAMES)
    again = world.sent(NAMES, where=lambda packet: packet.connects)
    world.wait_registered(phone)
    return Figures(AT_ONCE_MS, again.at_ms - cut.at_ms)


@fault
def dns_slow(world):
    """DNS-17 (part): answers take 700 ms; the first REGISTER waits for them, and no longer."""
    world.wire.set('back', delay=SLOW_MS)
    phone = world.start_phone()
    first = world.sent(FIRST)
    answer = world.last_before(first, source=NAMES)
    expect(first.at_ms - world.sent(NAMES).at_ms > SLOW_MS, 'the answers are slow')
    return Figures(world.decided_ms(phone, 'routes found', f'send REGISTER udp {FIRST}'), first.at_ms - answer.at_ms)


@fault
def dns_down_at_boot(world):
    """DNS-16 (part): nobody answers at boot: all tries of the resolver, then the back-off, then the lookup that succeeds."""
    world.records |= {(DOMAIN, dns.A): [FIRST]}
    world.dns_reply = lambda packet: None
    world.udp_server(FIRST)
    phone = world.start_phone(port=5060, **faults.PATIENT)
    phone.wait_state('backing off', within_s=40)
    del world.dns_reply
    tries = faults.resolver('ROUNDS')
    queries = world.near_log.wait('queries', tries + 1, 40, target=NAMES)
    world.wait_registered(phone)
    silent_ms = tries * faults.resolver('TRY_MS')
    return Figures(silent_ms + world.backoff_ms(phone), queries[-1].at_ms - queries[0].at_ms)


@fault
def dns_down_later(world):
    """DNS-16 (part): nobody answers when the records of a registered line have run out: a call waits for the DNS as long as
    it may, and goes on with the line's route."""
    world.ttl_s = SHORT_TTL_S
    world.udp_server(FIRST)
    phone = world.registered_phone(dns_wait_max='1s')
    world.dns_reply = lambda packet: None
    world.sent(NAMES, since_ms=world.near_log.now_ms())
    phone.call()
    invite = world.sent(FIRST, where=lambda packet: packet.method == 'INVITE')
    return Figures(world.seconds_ms(phone, 'policy.dns_wait_max'), invite.at_ms - world.told_ms(phone, 'INVITE waits'))


@fault
def dns_changes_addresses(world):
    """DNS-13 (part): the address that a line is registered at leaves the DNS: it registers at the other one."""
    world.ttl_s = SHORT_TTL_S
    world.udp_server(FIRST)
    world.udp_server(NEXT)
    phone = world.registered_phone()
    world.records = faults.records(first=NEXT)
    moved = world.sent(NEXT)
    answer = world.last_before(moved, source=NAMES)
    return Figures(world.decided_ms(phone, 'routes found: 1', f'send REGISTER udp {NEXT}'), moved.at_ms - answer.at_ms)


@live_test(faults.Table)
def table(faults_table):
    """Of all runs of all faults 95 % are less than 20 ms from the engine's own figures."""
    faults_table.run()
    faults_table.judge()


if __name__ == '__main__':
    run_tests()
