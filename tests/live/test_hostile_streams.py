#!/usr/bin/env python3
"""Streams that do what no server does, from the address of one: they cost little, and honest traffic goes on."""
import contextlib
import re
import socket
import threading
from pathlib import Path

from harness.expect import expect, expect_between, expect_equal
from harness.names import srv_records
from harness.phone import BIND
from harness.run import live_test, run_tests
from harness.waiting import PATIENCE_S, wait_for
from harness.world import SERVERS

RECORDS = srv_records(SERVERS, owner='_sip._tcp')
TCP = {'reg.1.server.1.transport': 'TCPOnly'}
SOURCE_MAX = 32  # streams that one address may open
MESSAGE_MS = 32000  # from the first byte of a message to its last
MEMORY_MAX = 16 << 20  # what all of one address may hold: 32 streams of 64 KiB, four times over for buffers, twice to spare
FLOOD_BYTES = 32 << 20
SUMMARY = 'dropped: '
ASK = ('OPTIONS sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.1.1:1;branch=z9hG4bK{branch}\r\n'
       'From: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: {branch}\r\nCSeq: 1 OPTIONS\r\n'
       'Content-Length: {length}\r\n\r\n')


def connect_from(address):
    host, _, port = BIND.partition(':')
    return socket.create_connection((host, int(port)), timeout=60, source_address=(address, 0))


def ends(stream):
    """Whether the phone ends the stream; what it says before is passed over."""
    try:
        while stream.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


def peak_memory(phone):
    """The most bytes of the process that were in memory at one time."""
    status = Path(f'/proc/{phone.process.process.pid}/status').read_text()
    return int(re.search(r'VmHWM:\s+(\d+) kB', status)[1]) << 10


def call_once(world, phone):
    """An honest call, from its beginning to its end."""
    since_ms = world.log.now_ms()
    call = phone.call()
    world.log.wait_one('INVITE', method='INVITE', since_ms=since_ms, target=world.sbc1.address)
    wait_for(lambda: 'up' in call.output(), 'the call is up')
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


def refused(world, length, says):
    """A stream whose message claims that LENGTH ends."""
    with connect_from(world.sbc1.address) as stream:
        with contextlib.suppress(ConnectionError):
            stream.sendall(ASK.format(branch='length', length=length).encode() + b'x' * 4096)
        expect(ends(stream), f'{says} ends its stream')


@live_test(records=RECORDS, streams=True)
def absurd_lengths(world):
    """RFC 3261 18.3, 20.14: a Content-Length that is negative, huge, or no number ends its stream."""
    phone = world.registered_phone(TCP)
    for length, says in (('-1', 'a negative length'), ('99999999999999999999', 'a length beyond 64 bits'),
                         ('4294967296', 'a length beyond 32 bits'), ('65536', 'a length beyond a message'),
                         ('1e3', 'no number')):
        refused(world, length, says)
    expect_equal('broken streams', phone.counter('broken_streams'), 5)
    call_once(world, phone)


@live_test(records=RECORDS, streams=True)
def a_crowd(world):
    """CALL-2 (part): one address may open 32 streams; what is more is refused and counted, and another server still finds
    room. Without a message all are gone after 32 s."""
    phone = world.registered_phone(TCP)
    before = phone.counter('streams')
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect_from(world.sbc1.address)) for _ in range(SOURCE_MAX + 8)]
        wait_for(lambda: phone.counter('refused_streams') == 8, '8 of 40 are refused')
        expect_equal('streams', phone.counter('streams') - before, SOURCE_MAX)
        with connect_from(world.sbc2.address) as other:
            other.sendall(ASK.format(branch='other', length=0).encode())
            expect(other.recv(4096).startswith(b'SIP/2.0 200 '), 'another server is answered')
        call_once(world, phone)
        expect(all(map(ends, crowd)), 'all end')
    expect_equal('streams at last', phone.counter('streams'), before)


@live_test(records=RECORDS, streams=True)
def slow_loris(world):
    """RFC 3261 18.3: who has said something whole, and then sends a message byte by byte without an end, is dropped 32 s
    after its first byte, whatever the idle time of streams is."""
    persistent = {**TCP, 'tcpIpApp.keepalive.tcp.sip.persistentConnection.enable': 1}
    phone = world.registered_phone(persistent)
    with connect_from(world.sbc1.address) as slow:
        slow.sendall(ASK.format(branch='first', length=0).encode())
        expect(slow.recv(4096).startswith(b'SIP/2.0 200 '), 'a whole message is answered')
        began_ms = world.log.now_ms()
        feeder = threading.Thread(target=feed, args=(slow,), daemon=True)
        feeder.start()
        call_once(world, phone)
        expect(ends(slow), 'the stream ends')
        expect_between('time until its end', world.log.now_ms() - began_ms, MESSAGE_MS - 100, MESSAGE_MS + 3000)
        feeder.join()
    expect_equal('broken streams', phone.counter('broken_streams'), 1)


def feed(slow):
    """One byte of a head every 50 ms, as long as somebody listens."""
    pause = threading.Event()
    with contextlib.suppress(OSError):
        for byte in b'OPTIONS sip:a@b SIP/2.0\r\nX: ' + b'x' * 2000:
            slow.sendall(bytes([byte]))
            pause.wait(0.05)


@live_test(records=RECORDS, streams=True)
def floods(world):
    """CALL-2 (part): binary floods, pipelined garbage and answers that nobody asked for: memory stays bounded, calls go on
    meanwhile, and the log tells of it in a few lines."""
    phone = world.registered_phone(TCP)
    honest = world.sent('REGISTER', world.sbc1)[0]
    forged = (f'SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1:5070;branch={honest.branch}x\r\n'
              f'From: {honest.header("From")}\r\nTo: {honest.header("To")};tag=f\r\nCall-ID: {honest.call_id}\r\n'
              'CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n').encode()
    garbage = b'NONSENSE\r\nContent-Length: 0\r\n\r\n'
    before = peak_memory(phone)
    floods = [threading.Thread(target=flood, args=(world.sbc1.address, payload), daemon=True)
              for payload in (bytes(range(256)) * 256, garbage * 2000, forged * 200)]
    for thread in floods:
        thread.start()
    call_once(world, phone)
    for thread in floods:
        thread.join()
    wait_for(lambda: phone.counter('stray') >= 1000 and phone.counter('dropped') >= 1000, 'all is counted')
    grown = peak_memory(phone) - before
    expect(grown < MEMORY_MAX, f'the most memory that it took meanwhile, {grown >> 10} KiB, is below {MEMORY_MAX >> 10} KiB')
    call_once(world, phone)
    wait_for(lambda: SUMMARY in phone.log(), 'the log tells of it', within_s=30)
    lines = phone.log().count(SUMMARY)
    expect(lines <= 6, f'in {lines} lines')
    phone.wait_state('registered', world.sbc1)


def flood(address, payload):
    """So much of the same, over as many streams as it takes."""
    left = FLOOD_BYTES // 8
    while left > 0:
        with contextlib.suppress(OSError), connect_from(address) as stream:
            stream.settimeout(PATIENCE_S)
            while left > 0:
                left -= len(payload)
                stream.sendall(payload)


if __name__ == '__main__':
    run_tests()
