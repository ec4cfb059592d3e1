"""Three servers beyond a wire with a round trip of 20 ms, and how long a call waits there for its answer."""
import os
import statistics

from . import authority
from .far import FAR, NEAR, PORT, SECOND
from .faults import SERVICES, FaultWorld
from .names import DOMAIN
from .run import live_test
from .waiting import PATIENCE_S, wait_for
from . import dns

STARTS = 'INVITE', 'REGISTER'
PLACES = FAR[4], SECOND[4], '192.0.2.12'
DELAY_MS = 10
ROUND_TRIP_MS = 2 * DELAY_MS
CHALLENGE = '{}-Authenticate: Digest realm="far", nonce="n", qop="auth", algorithm=MD5\r\n'
RUNS = int(os.environ.get('RUNS', '1'))  # of each row, of which the median counts
SDP = 'v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n'


def respond(packet, status, headers='', body=''):
    """An answer to a request, as text in bytes."""
    kept = '\r\n'.join(line for line in packet.head if line.partition(':')[0] in ('Via', 'From', 'Call-ID', 'CSeq'))
    tag = '' if ';tag=' in packet.header('To') else ';tag=far'
    return (f'SIP/2.0 {status} Said\r\n{kept}\r\nTo: {packet.header("To")}{tag}\r\n{headers}'
            f'Content-Length: {len(body)}\r\n\r\n{body}').encode()


class Place:
    """A server: it challenges REGISTERs and takes calls. `says` has its answers by method, as a status or a function of the
    request; `silent`: it gives none; `heard` has the INVITEs that came."""

    def __init__(self, world, address):
        self.address, self.name, self.says, self.silent = address, f'the server {address}', {}, False
        self.world, self.heard = world, []
        self.open()

    def open(self):
        self.server = self.world.udp_server(self.address, self.answer)

    def close(self):
        """Nobody listens there any more."""
        self.server.close()
        self.server = None

    def challenge_call(self, packet):
        if not packet.header('Proxy-Authorization'):
            return respond(packet, 407, CHALLENGE.format('Proxy'))
        return self.take_call(packet)

    def take_call(self, packet):
        return respond(packet, 200, f'Contact: <sip:bob@{self.address}>\r\nContent-Type: application/sdp\r\n',
                       SDP.format(host=self.address))

    def answer(self, packet):
        method = packet.method
        if method == 'INVITE' and not packet.status:
            self.heard.append(packet)
        if self.silent or packet.status or method == 'ACK':
            return None
        says = self.says.get(method, 200)
        if callable(says):
            return says(packet)
        if says != 200:
            return respond(packet, says)
        if method == 'REGISTER':
            if not packet.header('Authorization'):
                return respond(packet, 401, CHALLENGE.format('WWW'))
            return respond(packet, 200, f'Contact: {packet.header("Contact")}\r\nExpires: 3600\r\n')
        if method == 'INVITE':
            return self.take_call(packet)
        return respond(packet, 200)


class StreamPlace(Place):
    """The same over TCP, or over TLS with the world's certificate."""

    def open(self):
        self.server = self.world.stream_server(self.address, self.serve, certificate=self.world.shown)

    def serve(self, stream):
        while packet := stream.read():
            answer = self.answer(packet)
            if answer:
                stream.send(answer)


class CallWorld(FaultWorld):
    """Three servers behind service records."""
    place, service, transport, shown = Place, '_sip._udp', 'UDPOnly', None

    def __init__(self, folder):
        super().__init__(folder)
        self.far.ip('address', 'add', f'{PLACES[2]}/24', 'dev', 'far')
        names = [f'{letter}.{DOMAIN}' for letter in 'abc']
        self.records = {(f'{self.service}.{DOMAIN}', dns.SRV): [(10 * rank, 0, SERVICES[self.service], name)
                                                               for rank, name in enumerate(names, 1)]}
        self.records |= {(name, dns.A): [address] for name, address in zip(names, PLACES)}
        self.places = [self.place(self, address) for address in PLACES]

    def __enter__(self):
        super().__enter__()
        self.wire.set('both', delay=DELAY_MS)
        return self

    def start_profile(self, profile, policy=None, **parameters):
        """A phone of that profile, registered at the first server. POLICY is a native file."""
        options = [policy] if policy else []
        if self.shown:
            options += ['--ca-file', authority.certificate_file(self.folder)]
        phone = self.phone({'reg.1.server.1.port': 0, 'reg.1.server.1.transport': self.transport, **parameters},
                           '-v', '--profile', profile, *options, bind=f'{NEAR[4]}:5070')
        phone.wait_state('registered', self.places[0], within_s=40)
        return phone

    def end(self, phone):
        """Takes all faults away, and lets the phone leave."""
        vars(self).pop('dns_reply', None)
        for place in self.places:
            place.silent, place.says = False, {}
            if not place.server:
                place.open()
        phone.leave()

    def call_ms(self, phone, place, line=1):
        """From the first request for a new call of that line, which may be a REGISTER, to its 200, which comes from
        PLACE."""
        start_ms = self.near_log.now_ms()
        phone.call(options=['--line', line])
        first = self.near_log.wait_one('a request', source=NEAR[4], since_ms=start_ms,
                                       where=lambda packet: packet.status is None and packet.method in STARTS)
        answer = self.near_log.wait_one('its 200', within_s=40, source=place.address, method='INVITE', status=200,
                                        since_ms=start_ms)
        return answer.at_ms - first.at_ms

    def call_told_ms(self, phone):
        """The same by the phone's log: TLS shows nothing."""
        phone.call()
        wait_for(lambda: ' ended with 200' in phone.log(), 'an answer', 40)
        return self.told_ms(phone, ' ended with 200') - self.told_ms(phone, 'send INVITE')

    def pass_ms(self, ms):
        """Lets so much time go by: what is measured is what comes of it."""
        until_ms = self.near_log.now_ms() + ms
        wait_for(lambda: self.near_log.now_ms() > until_ms, f'{ms} ms', within_s=ms / 1000 + PATIENCE_S)


class TcpWorld(CallWorld):
    """They take TCP alone."""
    place, service, transport = StreamPlace, '_sip._tcp', 'TCPOnly'


class TlsWorld(TcpWorld):
    """They take TLS alone."""
    service, transport = '_sips._tcp', 'TLS'

    def __init__(self, folder):
        self.folder = folder
        self.shown = self.certificate()
        super().__init__(folder)


def measured(kind=CallWorld, profiles=('poly', 'keepline')):
    """Makes a test that prints a row of figures of a function that takes such a world and a profile and returns ms: the
    medians of RUNS."""
    def decorate(function):
        def row(world):
            figures = [f'{profile} {statistics.median(function(world, profile) for _ in range(RUNS)):7.0f} ms'
                       for profile in profiles]
            print(f'row: {function.__name__:<24}{"  ".join(figures)}')
        row.__name__, row.__doc__ = function.__name__, function.__doc__
        return live_test(kind)(row)
    return decorate
