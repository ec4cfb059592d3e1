"""An agent between any two transports: endpoints and servers over TCP and TLS, whose every message the test writes."""
import contextlib
import queue
import select
import socket
import ssl
import subprocess
import threading

from . import authority
from .agent_world import AgentWorld, DOMAIN, PASSWORD
from .packets import PacketLog, split_messages
from .phone import Phone
from .talker import Message, Talker, prove
from .waiting import PATIENCE_S

SERVER_HOST = '127.0.1.1'
PORTS = {'udp': 5060, 'tcp': 5060, 'tls': 5061}
FILE = '''local: {outside}:5070
policy: {{probe: 0}}
{tls}dns:
  - {{name: s1.test, type: A, address: {server}}}
lines:
  - {{user: alice, domain: {domain}, password: none, servers: [{{name: s1.test, port: {port}, transport: {transport}}}]}}
inside:
  listen: {inside}:5070
  endpoints:
    - {{user: desk, password: {password}}}
'''


class Shared:
    """A stream that one thread reads while another one writes; TLS can't do both at one time."""

    def __init__(self, stream):
        self.stream, self.lock = stream, threading.Lock()

    def receive(self):
        """What came; nothing: it ended."""
        while True:
            select.select([self.stream], [], [])
            with self.lock:
                self.stream.settimeout(0)
                with contextlib.suppress(ssl.SSLWantReadError):  # what came was TLS's own
                    return self.stream.recv(1 << 16)

    def send(self, data):
        with self.lock:
            self.stream.settimeout(PATIENCE_S)
            self.stream.sendall(data)


class StreamTalker(Talker):
    """A Talker over TCP, or over TLS if it has contexts: it listens at ADDRESS, and connects where it has no stream to.
    Nothing comes twice on a stream, so nothing is passed over."""

    def __init__(self, address, listening=None, connecting=None):
        host, _, port = address.partition(':')
        self.protocol = 'TLS' if listening else 'TCP'
        self.address, self.place = address, f'{address};transport={self.protocol.lower()}'
        self.last_via, self.host = '', host
        self.listening, self.connecting = listening, connecting
        self.came, self.streams = queue.Queue(), {}
        self.listener = socket.create_server((host, int(port)))
        self.socket = self.listener
        self.run(self.accept)

    @staticmethod
    def run(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def accept(self):
        while True:
            try:
                stream, peer = self.listener.accept()
            except OSError:
                return
            if self.listening:
                stream = self.listening.wrap_socket(stream, server_side=True)
            self.take(stream, f'{peer[0]}:{peer[1]}')

    def take(self, stream, peer):
        self.streams[peer] = Shared(stream)
        self.run(self.read, self.streams[peer], peer)

    def read(self, stream, peer):
        bytes_left = b''
        while more := stream.receive():
            bytes_left += more
            while (message := next(split_messages(bytes_left), b'')) and self.is_whole(message):
                bytes_left = bytes_left[len(message):]
                self.came.put(Message(message, peer))

    @staticmethod
    def is_whole(message):
        head, end, body = message.partition(b'\r\n\r\n')
        length = Message(head + end, '').header('Content-Length')
        return bool(end) and len(body) == int(length or 0)

    def send_again(self, target, data):
        if target not in self.streams:
            host, _, port = target.partition(':')
            stream = socket.create_connection((host, int(port)), source_address=(self.host, 0))
            self.take(self.connecting.wrap_socket(stream) if self.connecting else stream, target)
        self.streams[target].send(data)

    def next(self, within_s=PATIENCE_S):
        try:
            return self.came.get(timeout=within_s)
        except queue.Empty:
            return None

    def close(self):
        self.listener.close()


class MixWorld(AgentWorld):
    """One line, and one endpoint behind it, each over its transport; the hosts may be others than loopback, which has them
    then."""

    def __init__(self, folder, inside='udp', outside='udp', hosts=('127.0.0.2', '127.0.0.1', '127.0.2.1')):
        self.folder, self.log, self.lines = folder, PacketLog(), 1
        self.inside_host, self.outside_host, endpoint_host = hosts
        for host in hosts:
            if not host.startswith('127.'):
                subprocess.run(['ip', 'address', 'add', f'{host}/32', 'dev', 'lo'], check=True)
        tls = ''
        if 'tls' in (inside, outside):
            own = authority.issue(folder, 'own', f'DNS:{DOMAIN}')
            tls = f'tls: {{ca_file: {authority.certificate_file(folder)}, cert: {own}, key: {own}}}\n'
        self.server = self.talker(outside, f'{SERVER_HOST}:{PORTS[outside]}', 's1.test')
        self.desk = self.talker(inside, f'{endpoint_host}:{PORTS[inside]}', 'desk.test')
        self.servers, self.soft, self.pbx = [self.server], self.desk, self.desk
        self.inside_hop = f'{self.inside_host}:{5071 if inside == "tls" else 5070}'
        native = folder / 'mix.yaml'
        native.write_text(FILE.format(outside=self.outside_host, tls=tls, server=SERVER_HOST, domain=DOMAIN, transport=outside,
                                      port=PORTS[outside], inside=self.inside_host, password=PASSWORD))
        native.chmod(0o600)
        self.listens = f'{self.inside_host}:5070'
        self.phone = Phone(folder, options=[native], bind=f'{self.outside_host}:5070')
        self.phone.process.command.remove(str(self.phone.file))

    def talker(self, transport, address, name):
        if transport == 'udp':
            return Talker(address)
        if transport == 'tcp':
            return StreamTalker(address)
        listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        listening.load_cert_chain(authority.issue(self.folder, name, f'DNS:{name}'))
        connecting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        connecting.check_hostname = False
        connecting.load_verify_locations(authority.certificate_file(self.folder))
        return StreamTalker(address, listening, connecting)

    def grant(self, server, expires_s=3600):
        """The server asks back on the stream on which it was asked."""
        register = AgentWorld.grant(server, expires_s)
        self.outside_hop = register.source
        return register

    def ask_proven(self, leg, method, headers=(), body=b''):
        """A request of the desk, sent again with its credentials."""
        leg.request(method, headers, body=body)
        refused = self.desk.expect(f'407 {method}')
        if method == 'INVITE':
            leg.request('ACK', number=leg.number, via=self.desk.last_via)
        proof = prove(refused.header('Proxy-Authenticate'), method, leg.target, 'desk', PASSWORD)
        leg.request(method, [*headers, f'Proxy-Authorization: {proof}'], body=body)
