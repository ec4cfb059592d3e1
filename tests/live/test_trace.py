#!/usr/bin/env python3
"""`keepline run --trace`: every message in a pcap file, which other programs can read."""
import subprocess

from harness.expect import expect, expect_equal
from harness.phone import BIND
from harness.run import live_test, run_tests
from harness.waiting import wait_for

FIELDS = 'ip.src', 'udp.srcport', 'ip.dst', 'udp.dstport', 'sip.Method', 'sip.Status-Code', 'udp.checksum.status'
GOOD = '1'


def read(path):
    """What tshark reads in the file: one row of FIELDS for each packet."""
    words = [word for field in FIELDS for word in ('-e', field)]
    run = subprocess.run(['tshark', '-r', path, '-o', 'udp.check_checksum:TRUE', '-T', 'fields', *words],
                         capture_output=True, text=True, check=True)
    return [line.split('\t') for line in run.stdout.splitlines()]


def expected(world):
    """The same, from the log of what really went through the loopback device."""
    rows = []
    for packet in world.log.find(where=lambda packet: packet.is_sip and BIND in (packet.source, packet.target)):
        method = packet.first_line.split()[0] if packet.status is None else ''
        rows.append([*packet.source.split(':'), *packet.target.split(':'), method, str(packet.status or ''), GOOD])
    return rows


def traced(world, *options):
    """The file's contents, after a phone registered, called and left."""
    path = world.folder / 'trace.pcap'
    phone = world.phone(options=('--trace', path, *options))
    phone.wait_state('registered', world.sbc1)
    call = phone.call()
    world.wait_call_up(world.sbc1)
    call.hang_up()
    call.wait()
    phone.leave()
    expect_equal('what tshark reads', sorted(read(path)), sorted(expected(world)))
    expect_equal('mode of the file', oct(path.stat().st_mode & 0o777), '0o600')
    return path.read_bytes()


@live_test()
def trace(world):
    """A registration with a challenge and a call, as they went over the network."""
    expect(b'Authorization: Digest username="alice"' in traced(world), 'the credentials are in it')


@live_test()
def trace_blanked(world):
    """The same without credentials."""
    text = traced(world, '--trace-blank')
    expect(b'Authorization: ****** ' in text, 'the header is there')
    expect(b'username="alice"' not in text and b'response="' not in text, 'its value is not')


@live_test(records='_sip._tcp SRV 10 0 5060 sbc1\nsbc1 A 127.0.1.1\n', streams=True)
def trace_stream(world):
    """Messages of a stream stand there as datagrams, with the port where the phone listens."""
    path = world.folder / 'trace.pcap'
    phone = world.phone({'reg.1.server.1.transport': 'TCPOnly'}, options=('--trace', path))
    phone.wait_state('registered', world.sbc1)
    phone.leave()
    ours, theirs = BIND.split(':'), ['127.0.1.1', '5060']
    rows = read(path)
    expect_equal('first packet', rows[0], [*ours, *theirs, 'REGISTER', '', GOOD])
    expect_equal('last packet', rows[-1], [*theirs, *ours, '', '200', GOOD])


@live_test()
def trace_nowhere(world):
    """A file that can't be made ends the program, with one line that names it."""
    phone = world.phone(options=('--trace', '/nowhere/trace.pcap'))
    wait_for(lambda: not phone.process.running, 'the program ends')
    expect_equal('exit status', phone.process.wait(), 2)
    expect('/nowhere/trace.pcap: No such file' in phone.log(), 'the log names the file')


if __name__ == '__main__':
    run_tests()
