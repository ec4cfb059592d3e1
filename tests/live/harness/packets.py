"""Every IPv4 packet on a device, with the kernel's time stamp; of TCP what opens or ends a stream or carries bytes."""
import contextlib
import functools
import math
import re
import socket
import struct
import threading
import time

from .waiting import PATIENCE_S, Failure

ETHERTYPE_IPV4, ETHERTYPE_ALL = 0x0800, 3
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # Linux; the socket module has no names for them
IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP = 1, 6, 17
TCP_FIN, TCP_SYN, TCP_RST, TCP_ACK = 1, 2, 4, 16
RECEIVE_BYTES = 8 << 20
MARKER_ADDRESS = '127.0.3.254'
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class Packet:
    """One packet. `at_ms` counts from the log's start; `source` and `target` are "address:port"; `connects` means that it
    opens a TCP stream, `ends` that it carries no bytes and ends one, by a FIN or by a reset."""

    def __init__(self, at_ms, source, target, payload, icmp=None, connects=False, ends=False):
        self.at_ms, self.source, self.target, self.payload, self.icmp = at_ms, source, target, payload, icmp
        self.connects, self.ends = connects, ends

    @functools.cached_property
    def head(self):
        return self.payload.split(b'\r\n\r\n')[0].decode('utf-8', 'replace').split('\r\n')

    @property
    def first_line(self):
        return self.head[0]

    @functools.cached_property
    def is_sip(self):
        return self.icmp is None and 'SIP/2.0' in self.first_line

    @property
    def method(self):
        """The request's method, or that of the request which this response answers."""
        return self.header('CSeq').split()[-1] if self.is_sip and self.header('CSeq') else None

    @property
    def status(self):
        """The response's status code; None for a request."""
        found = re.match(r'SIP/2\.0 (\d{3}) ', self.first_line)
        return int(found[1]) if found else None

    def header(self, name):
        """The first header of that name; an empty text if there is none."""
        for line in self.head[1:]:
            key, _, value = line.partition(':')
            if key.strip().lower() == name.lower():
                return value.strip()
        return ''

    @property
    def cseq(self):
        return int(self.header('CSeq').split()[0])

    @property
    def call_id(self):
        return self.header('Call-ID')

    @property
    def branch(self):
        return self.header('Via').partition('branch=')[2].partition(';')[0]

    @property
    def asks_to_leave(self):
        """Whether a REGISTER ends a registration."""
        return self.header('Expires') == '0' or 'expires=0' in self.header('Contact')

    def __str__(self):
        if self.icmp or self.connects or self.ends:
            what = f'ICMP {self.icmp}' if self.icmp else 'TCP SYN' if self.connects else 'TCP end'
        else:
            what = self.first_line if self.is_sip else f'{len(self.payload)} bytes'
        detail = f'  (CSeq {self.header("CSeq")})' if self.is_sip else ''
        return f'[{self.at_ms:9.1f}] {self.source:>17} -> {self.target:<17} {what}{detail}'


def split_messages(segment):
    """The SIP messages of a TCP segment, which may be several (RFC 3261 18.3); other bytes as they are."""
    while segment:
        head, end, _ = segment.partition(b'\r\n\r\n')
        body = re.search(rb'^(?:Content-Length|l)\s*:\s*(\d+)', head, re.M | re.I)
        size = len(head + end) + int(body[1]) if body else len(segment)
        yield segment[:size]
        segment = segment[size:]


def parse_packet(data, at_ms):
    """The Packets out of an IPv4 packet, one for each SIP message; none for what is neither UDP nor ICMP, and for TCP's own
    affairs."""
    header = (data[0] & 15) * 4
    source, target = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
    body = data[header:]
    if data[9] == IPPROTO_ICMP:
        return [Packet(at_ms, source, target, b'', icmp=f'type {body[0]} code {body[1]}')]
    if data[9] == IPPROTO_UDP:
        source_port, target_port, length = struct.unpack('!HHH', body[:6])
        return [Packet(at_ms, f'{source}:{source_port}', f'{target}:{target_port}', body[8:length])]
    if data[9] == IPPROTO_TCP:
        source_port, target_port, offset, flags = struct.unpack('!HH8xBB', body[:14])
        ends = f'{source}:{source_port}', f'{target}:{target_port}'
        if flags & (TCP_SYN | TCP_ACK) == TCP_SYN:
            return [Packet(at_ms, *ends, b'', connects=True)]
        # A reset's bytes, if it has any, are the kernel's own.
        messages = [] if flags & TCP_RST else list(split_messages(body[(offset >> 4) * 4:]))
        if flags & (TCP_FIN | TCP_RST) and not messages:
            return [Packet(at_ms, *ends, b'', ends=True)]
        return [Packet(at_ms, *ends, message) for message in messages]
    return []


class PacketLog:
    """Listens from start() to stop(). Packets stand in the order in which the kernel saw them. On a DEVICE other than
    loopback that is what leaves and what comes; NOWHERE is then an address beyond it that nobody has."""

    def __init__(self, device='lo', nowhere=None):
        self.packets = []
        self.changed = threading.Condition()  # its lock is reentrant: wait() holds it over seen()
        self.stopping = threading.Event()
        # Bound to one protocol, a packet socket sees what was received alone: on loopback all there is, once.
        protocol = ETHERTYPE_ALL if nowhere else ETHERTYPE_IPV4
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        with contextlib.suppress(PermissionError):  # then what the machine allows has to do
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
        self.socket.bind((device, protocol))
        self.socket.settimeout(0.1)
        self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.marker.bind(('' if nowhere else MARKER_ADDRESS, 0))
        self.marker_target = nowhere or MARKER_ADDRESS, self.marker.getsockname()[1]
        self.markers_sent = self.markers_seen = 0
        self.start_ns = time.time_ns()
        self.thread = threading.Thread(target=self.listen, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.socket.close()
        self.marker.close()

    def listen(self):
        while not self.stopping.is_set():
            try:
                data, ancillary, _, link = self.socket.recvmsg(1 << 16, 64)
            except TimeoutError:
                continue
            if link[1] != ETHERTYPE_IPV4:
                continue
            seconds, nanoseconds = struct.unpack('qq', ancillary[0][2])
            at_ms = self.ms_of(seconds * NS_PER_S + nanoseconds)
            for packet in parse_packet(data, at_ms):
                with self.changed:
                    if packet.target == f'{self.marker_target[0]}:{self.marker_target[1]}':
                        self.markers_seen += 1
                    else:
                        self.packets.append(packet)
                    self.changed.notify_all()

    def catch_up(self):
        """Returns when all packets that were sent before this call are in the log: those before a packet of our own."""
        with self.changed:
            self.markers_sent += 1
            self.marker.sendto(b'', self.marker_target)
            caught_up = self.changed.wait_for(lambda: self.markers_seen >= self.markers_sent, PATIENCE_S)
        if not caught_up:
            raise Failure('the packet log does not keep up')

    def now_ms(self):
        return self.ms_of(time.time_ns())

    def ms_of(self, at_ns):
        return (at_ns - self.start_ns) / NS_PER_MS

    def find(self, **filters):
        """The packets sent by now that fit all of the filters, which are those of seen()."""
        self.catch_up()
        return self.seen(**filters)

    def seen(self, method=None, status=None, source=None, target=None, since_ms=0, until_ms=math.inf,
             where=None):
        """The packets in the log that fit all that is given. Without STATUS, a METHOD finds its requests alone.

        SOURCE and TARGET are an address, with or without a port; WHERE is a further condition on a packet.
        """
        def fits(packet):
            return (since_ms <= packet.at_ms < until_ms
                    and (method is None or (packet.method == method and packet.status == status))
                    and (status is None or packet.status == status)
                    and (source is None or source in (packet.source, packet.source.partition(':')[0]))
                    and (target is None or target in (packet.target, packet.target.partition(':')[0]))
                    and (where is None or where(packet)))
        with self.changed:
            return [packet for packet in self.packets if fits(packet)]

    def wait(self, what, count=1, within_s=PATIENCE_S, **filters):
        """The first COUNT packets that fit the filters of seen(), as soon as they are in the log."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.seen(**filters)) >= count, within_s)
            found = self.seen(**filters)
        if len(found) < count:
            raise Failure(f'expected within {within_s:g} s: {what} ({len(found)} of {count} seen)')
        return found[:count]

    def wait_one(self, what, **filters):
        return self.wait(what, **filters)[0]

    def expect_none(self, what, within_s, **filters):
        """No packet fits the filters of seen(), neither by now nor until that time has passed."""
        with self.changed:
            self.changed.wait_for(lambda: self.seen(**filters), within_s)
            found = self.seen(**filters)
        if found:
            raise Failure(f'expected within {within_s:g} s no {what}, seen: {found[0]}')

    def timeline(self):
        with self.changed:
            return '\n'.join(str(packet) for packet in self.packets)
