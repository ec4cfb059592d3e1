"""A network beyond a cable: a second network namespace, joined by a veth pair whose ends can be pulled and renumbered.

The servers there are sockets of this program that were made in that namespace: a registrar that grants what it is asked
for, and a DNS server. So addresses, routes, carrier and ICMP are the kernel's own, on both sides.
"""
import contextlib
import ctypes
import os
import selectors
import socket
import subprocess
import threading
import time

from . import dns
from .expect import expect_between
from .packets import NS_PER_MS, Packet
from .phone import Phone
from .waiting import PATIENCE_S, Failure, wait_for

NEAR = {4: '192.0.2.2', 6: '2001:db8::2'}
FAR = {4: '192.0.2.1', 6: '2001:db8::1'}
SECOND = {4: '192.0.2.11', 6: '2001:db8::11'}  # another server there
PREFIX = {4: 24, 6: 64}
PORT = 5060
NOTICED_MS = 600  # what the kernel tells within 100 ms counts as one change
AT_ONCE_MS = 3000  # a loaded machine's; a back-off, or the time of a registration, is longer
CLONE_NEWNET = 0x40000000
# What tells the TOS or the traffic class of a datagram: one byte, or an int of this machine's byte order.
TRAFFIC_CLASS_OPTIONS = {socket.AF_INET: [(socket.IPPROTO_IP, socket.IP_RECVTOS)],
                         socket.AF_INET6: [(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS)]}
GRANT = ('SIP/2.0 200 OK\r\n{vias}\r\nFrom: {From}\r\nTo: {To};tag=far\r\nCall-ID: {Call-ID}\r\nCSeq: {CSeq}\r\n'
         'Contact: {Contact}\r\nExpires: {expires}\r\nContent-Length: 0\r\n\r\n')


def ip(*words):
    subprocess.run(['ip', *map(str, words)], check=True)


def host(address):
    """An address as it stands before a port."""
    return f'[{address}]' if ':' in address else address


class Far:
    """The namespace, and the cable, whose ends are the devices "near" on this side and "far" on the other."""

    def __init__(self):
        self.process = subprocess.Popen(['unshare', '--net', 'sleep', 'infinity'])
        self.near_namespace = os.open('/proc/self/ns/net', os.O_RDONLY)
        wait_for(lambda: os.readlink(self.path) != os.readlink('/proc/self/ns/net'), 'a second network namespace')
        self.namespace = os.open(self.path, os.O_RDONLY)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.lay_cable()
        ip('link', 'set', 'near', 'up')
        self.ip('link', 'set', 'lo', 'up')
        self.ip('link', 'set', 'far', 'up')
        for family, prefix in PREFIX.items():
            self.add_address(NEAR[family])
            for address in FAR[family], SECOND[family]:
                self.ip('address', 'add', f'{address}/{prefix}', 'dev', 'far', *self.no_detection(address))

    def lay_cable(self):
        ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', self.process.pid)

    @property
    def path(self):
        return f'/proc/{self.process.pid}/ns/net'

    @staticmethod
    def no_detection(address):
        """Without the second that IPv6 takes to look for duplicates."""
        return ['nodad'] if ':' in address else []

    def ip(self, *words):
        subprocess.run(['nsenter', f'--net={self.path}', 'ip', *map(str, words)], check=True)

    def add_address(self, address):
        family = 6 if ':' in address else 4
        ip('address', 'add', f'{address}/{PREFIX[family]}', 'dev', 'near', *self.no_detection(address))

    def remove_address(self, address):
        ip('address', 'delete', f'{address}/{PREFIX[6 if ":" in address else 4]}', 'dev', 'near')

    def pull(self):
        """The cable has no carrier any more; the addresses on this side stay."""
        self.ip('link', 'set', 'far', 'down')

    def plug(self):
        self.ip('link', 'set', 'far', 'up')
        for address in FAR[6], SECOND[6]:  # IPv6 addresses go with their link
            self.ip('address', 'replace', f'{address}/{PREFIX[6]}', 'dev', 'far', 'nodad')

    def silence(self, address):
        """Nothing that is sent there to ADDRESS leaves any more, answers of the kernel included; the link is up, and ARP
        works."""
        self.ip('route', 'add', 'blackhole', address)

    def enter(self, namespace):
        if self.libc.setns(namespace, CLONE_NEWNET):
            raise Failure(f'setns: {os.strerror(ctypes.get_errno())}')

    def there(self, function, *arguments):
        """What FUNCTION makes on the other side; a socket stays there."""
        self.enter(self.namespace)
        try:
            return function(*arguments)
        finally:
            self.enter(self.near_namespace)

    def bind(self, address, port, kind=socket.SOCK_DGRAM):
        """A socket on the other side: UDP, or TCP that listens."""
        there = self.there(socket.socket, socket.AF_INET6 if ':' in address else socket.AF_INET, kind)
        there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        there.bind((address, port))
        if kind == socket.SOCK_STREAM:
            there.listen()
        return there

    def stop(self):
        self.process.kill()
        self.process.wait()


def grant(packet, expires_s=3600):
    """The answer to a REGISTER that is given what it asks for; None to anything else."""
    if packet.status or packet.method != 'REGISTER':
        return None
    vias = '\r\n'.join(line for line in packet.head if line.startswith('Via:'))
    headers = {name: packet.header(name) for name in ('From', 'To', 'Call-ID', 'CSeq', 'Contact')}
    return GRANT.format(vias=vias, expires=min(expires_s, int(packet.header('Expires'))), **headers).encode()


class Server:
    """What comes to a UDP socket, answered by ANSWER(packet), which gives bytes or None."""

    def __init__(self, world, there, answer):
        self.world, self.socket, self.answer = world, there, answer
        self.address = there.getsockname()[0]
        self.packets = []
        for level, option in TRAFFIC_CLASS_OPTIONS[there.family]:
            there.setsockopt(level, option, 1)
        world.selector.register(there, selectors.EVENT_READ, self)

    def receive(self):
        payload, control, _, peer = self.socket.recvmsg(1 << 16, 64)
        here = f'{host(self.address)}:{self.socket.getsockname()[1]}'
        packet = Packet(self.world.log.now_ms(), f'{host(peer[0])}:{peer[1]}', here, payload)
        packet.traffic_class = control[0][2][0]
        self.packets.append(packet)
        self.world.log.packets.append(packet)
        reply = self.answer(packet)
        if reply:
            self.socket.sendto(reply, peer)

    def close(self):
        """The port is closed: the kernel there answers with ICMP."""
        self.world.selector.unregister(self.socket)
        self.socket.close()

    def find(self, method, since_ms=0):
        return [packet for packet in self.packets if packet.method == method and packet.at_ms >= since_ms]

    def wait(self, method, since_ms=0, within_s=PATIENCE_S):
        """The first request of METHOD since then."""
        return wait_for(lambda: self.find(method, since_ms), f'{method} at {self.address}', within_s)[0]


class StreamServer:
    """What comes to a TCP socket, over TLS if there is a context, answered by ANSWER(packet) on the same stream. Requests
    have no body here."""

    def __init__(self, world, there, answer, context=None):
        self.world, self.socket, self.answer, self.context = world, there, answer, context
        self.address = there.getsockname()[0]
        self.packets, self.connections = [], []
        world.selector.register(there, selectors.EVENT_READ, self)

    def receive(self):
        stream, peer = self.socket.accept()
        if self.context:
            stream.settimeout(PATIENCE_S)
            stream = self.context.wrap_socket(stream, server_side=True)
        connection = Connection(self, stream, f'{host(peer[0])}:{peer[1]}')
        self.connections.append(connection)
        self.world.selector.register(stream, selectors.EVENT_READ, connection)

    find, wait = Server.find, Server.wait


class Connection:
    """One stream to a StreamServer."""

    def __init__(self, server, stream, source):
        self.server, self.socket, self.source = server, stream, source
        self.rest = b''

    def receive(self):
        try:
            got = self.socket.recv(1 << 16)
        except OSError:
            got = b''
        if not got:
            self.server.world.selector.unregister(self.socket)
            self.socket.close()
            return
        *messages, self.rest = (self.rest + got).split(b'\r\n\r\n')
        for message in filter(None, messages):
            self.take(message + b'\r\n\r\n')

    def take(self, message):
        here = f'{host(self.server.address)}:{PORT}'
        packet = Packet(self.server.world.log.now_ms(), self.source, here, message)
        self.server.packets.append(packet)
        self.server.world.log.packets.append(packet)
        reply = self.server.answer(packet)
        if reply:
            self.socket.sendall(reply)


class Log:
    """What came to the servers."""

    def __init__(self):
        self.start_ns = time.time_ns()
        self.packets = []

    def now_ms(self):
        return self.ms_of(time.time_ns())

    def ms_of(self, at_ns):
        return (at_ns - self.start_ns) / NS_PER_MS

    def timeline(self):
        return '\n'.join(map(str, self.packets))


class FarWorld:
    """The cable, and whatever servers a test puts behind it. Use it in a `with` statement."""

    def __init__(self, folder, make_far=Far):
        self.folder, self.log, self.phones = folder, Log(), []
        self.selector = selectors.DefaultSelector()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.far = make_far()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        for phone in self.phones:
            phone.stop()
        self.stopping.set()
        self.thread.join()
        self.far.stop()

    def serve(self):
        while not self.stopping.is_set():
            for key, _ in self.selector.select(0.05):
                # What the test closed, the phone dropped, or has no cable any more, since it was found ready.
                with contextlib.suppress(OSError):
                    key.data.receive()

    def registrar(self, address, expires_s=3600, kind=socket.SOCK_DGRAM, context=None):
        """A server that registers whoever asks; over TCP if KIND says so, over TLS with a context."""
        there = self.far.bind(address, PORT, kind)
        if kind == socket.SOCK_DGRAM:
            return Server(self, there, lambda packet: grant(packet, expires_s))
        return StreamServer(self, there, lambda packet: grant(packet, expires_s), context)

    def names(self, address, records):
        """A DNS server there, the only one that the machine knows from now on."""
        (self.folder / 'resolv.conf').write_text(f'nameserver {address}\n')
        return Server(self, self.far.bind(address, 53), lambda packet: dns.answer(packet.payload, records))

    def silent_names(self, address):
        """A DNS server there that answers nothing, before those that the machine knows."""
        known = (self.folder / 'resolv.conf').read_text()
        (self.folder / 'resolv.conf').write_text(f'nameserver {address}\n{known}')
        return Server(self, self.far.bind(address, 53), lambda packet: None)

    def give_back(self, address, server):
        """The phone's address is there again, and SERVER gets a REGISTER at once, which is returned."""
        back_ms = self.log.now_ms()
        self.far.add_address(address)
        again = server.wait('REGISTER', since_ms=back_ms)
        expect_between('REGISTER after the address is back', again.at_ms - back_ms, 0, AT_ONCE_MS)
        return again

    def phone(self, parameters, *options, bind='[::]:5070'):
        phone = Phone(self.folder, parameters, f'phone{len(self.phones) + 1}', options, bind)
        self.phones.append(phone)
        phone.start()
        return phone

    def expect_no_crash(self):
        for phone in self.phones:
            status = phone.process.process.poll()
            if status is not None and status < 0:
                raise Failure(f'{phone.name} was ended by signal {-status}')
