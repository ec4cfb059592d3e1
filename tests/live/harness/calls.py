"""Three servers beyond a wire with a round trip of 20 ms, and how long a call waits there for its answer."""
from .far import FAR, NEAR, PORT, SECOND
from .faults import FaultWorld
from .names import DOMAIN
from .run import live_test
from .waiting import PATIENCE_S, wait_for
from . import dns

PLACES = FAR[4], SECOND[4], '192.0.2.12'
DELAY_MS = 10
ROUND_TRIP_MS = 2 * DELAY_MS
CHALLENGE = 'WWW-Authenticate: Digest realm="far", nonce="n", qop="auth", algorithm=MD5\r\n'
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
                return respond(packet, 401, CHALLENGE)
            return respond(packet, 200, f'Contact: {packet.header("Contact")}\r\nExpires: 3600\r\n')
        if method == 'INVITE':
            return self.take_call(packet)
        return respond(packet, 200)


class CallWorld(FaultWorld):
    """Three servers behind service records."""

    def __init__(self, folder):
        super().__init__(folder)
        self.far.ip('address', 'add', f'{PLACES[2]}/24', 'dev', 'far')
        names = [f'{letter}.{DOMAIN}' for letter in 'abc']
        self.records = {(f'_sip._udp.{DOMAIN}', dns.SRV): [(10 * rank, 0, PORT, name)
                                                          for rank, name in enumerate(names, 1)]}
        self.records |= {(name, dns.A): [address] for name, address in zip(names, PLACES)}
        self.places = [Place(self, address) for address in PLACES]

    def __enter__(self):
        super().__enter__()
        self.wire.set('both', delay=DELAY_MS)
        return self

    def start_profile(self, profile, policy=None, **parameters):
        """A phone of that profile, registered at the first server. POLICY is a native file."""
        files = [policy] if policy else []
        phone = self.phone({'reg.1.server.1.port': 0, **parameters}, '-v', '--profile', profile, *files,
                           bind=f'{NEAR[4]}:5070')
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

    def call_ms(self, phone, place):
        """From the first INVITE of a new call to its 200, which comes from PLACE."""
        start_ms = self.near_log.now_ms()
        phone.call()
        first = self.near_log.wait_one('an INVITE', source=NEAR[4], method='INVITE', since_ms=start_ms,
                                       where=lambda packet: packet.status is None)
        answer = self.near_log.wait_one('its 200', within_s=40, source=place.address, method='INVITE', status=200,
                                        since_ms=start_ms)
        return answer.at_ms - first.at_ms

    def pass_ms(self, ms):
        """Lets so much time go by: what is measured is what comes of it."""
        until_ms = self.near_log.now_ms() + ms
        wait_for(lambda: self.near_log.now_ms() > until_ms, f'{ms} ms', within_s=ms / 1000 + PATIENCE_S)


def measured(function):
    """Makes a test that prints a row of figures of a function that takes a CallWorld and a profile and returns ms."""
    def row(world):
        figures = [f'{profile} {function(world, profile):7.0f} ms' for profile in ('poly', 'keepline')]
        print(f'row: {function.__name__:<20}{"  ".join(figures)}')
    row.__name__, row.__doc__ = function.__name__, function.__doc__
    return live_test(CallWorld)(row)
