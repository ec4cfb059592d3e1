"""A SIP endpoint or server of which each message is written and checked by the test, over UDP."""
import hashlib
import itertools
import socket
import time

from .packets import Packet
from .waiting import PATIENCE_S, Failure

NUMBERS = itertools.count(1)


class Message(Packet):
    """One message that came; `line` is its first line."""

    def __init__(self, payload, source):
        super().__init__(0, source, '', payload)
        self.line = self.first_line
        self.body = payload.partition(b'\r\n\r\n')[2]

    def all(self, name):
        """Every header of that name."""
        rows = (row.partition(':') for row in self.head[1:])
        return [value.strip() for key, _, value in rows if key.strip().lower() == name.lower()]

    @property
    def kind(self):
        """ "INVITE" of a request, "200 INVITE" of an answer."""
        return self.method if self.status is None else f'{self.status} {self.method}'

    def tag(self, name):
        return self.header(name).partition(';tag=')[2].partition(';')[0]

    def uri(self, name):
        """What stands in angle brackets."""
        return self.header(name).partition('<')[2].partition('>')[0]


class Talker:
    """A socket at ADDRESS, which is "127.0.2.1:5060", or the like."""

    def __init__(self, address):
        host, _, port = address.partition(':')
        self.address = self.place = address  # the latter as a URI has it
        self.protocol = 'UDP'
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, int(port)))
        self.seen = set()
        self.last_via = ''

    def close(self):
        self.socket.close()

    def send(self, target, lines, body=b''):
        """Sends a message of these lines to "address:port"; its bytes, for send_again()."""
        length = [] if any(line.startswith('Content-Length') for line in lines) else [f'Content-Length: {len(body)}']
        data = '\r\n'.join([*lines, *length, '', '']).encode() + body
        self.send_again(target, data)
        return data

    def send_again(self, target, data):
        host, _, port = target.partition(':')
        self.socket.sendto(data, (host, int(port)))

    def next(self, within_s=PATIENCE_S):
        """The next message that did not come before; None if there is none in time."""
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data, source = self.socket.recvfrom(65535)
            except TimeoutError:
                return None
            if data not in self.seen:
                self.seen.add(data)
                return Message(data, f'{source[0]}:{source[1]}')
        return None

    def expect(self, kind, within_s=PATIENCE_S, besides=()):
        """The next message, which is of that kind; repeats of what came before are passed over, and those BESIDES."""
        message = self.next(within_s)
        while message and message.kind in besides:
            message = self.next(within_s)
        if message is None or message.kind != kind:
            came = message.payload.decode('utf-8', 'replace') if message else 'nothing'
            raise Failure(f'expected at {self.address} within {within_s:g} s: {kind}, came:\n{came}')
        return message

    def expect_nothing(self, within_s=0.3):
        message = self.next(within_s)
        if message:
            raise Failure(f'expected nothing at {self.address}, came:\n{message.payload.decode("utf-8", "replace")}')

    def expect_kinds(self, *kinds, within_s=PATIENCE_S):
        """One message of each kind, in whatever order."""
        came = {}
        while len(came) < len(kinds):
            message = self.next(within_s)
            if message is None or message.kind not in kinds or message.kind in came:
                raise Failure(f'expected at {self.address}: {kinds}, came: {message and message.payload}')
            came[message.kind] = message
        return came

    def via(self):
        """A new one, which last_via keeps for a CANCEL."""
        self.last_via = f'Via: SIP/2.0/{self.protocol} {self.address};branch=z9hG4bK{next(NUMBERS)}x'
        return self.last_via

    def answer(self, request, status, headers=(), tag='', body=b''):
        """Answers a request; Record-Route of an answer that makes a dialog is copied."""
        to = request.header('To')
        lines = [f'SIP/2.0 {status}', *(f'Via: {via}' for via in request.all('Via')),
                 *(f'Record-Route: {route}' for route in request.all('Record-Route')),
                 f'From: {request.header("From")}', f'To: {to}' + (f';tag={tag}' if tag and ';tag=' not in to else ''),
                 f'Call-ID: {request.call_id}', f'CSeq: {request.header("CSeq")}', *headers]
        return self.send(request.source, lines, body)

    def expect_and_answer(self, kind, status='200 OK', headers=(), tag='', *, within_s=PATIENCE_S):
        request = self.expect(kind, within_s)
        self.answer(request, status, headers, tag)
        return request


def prove(challenge, method, uri, user, password):
    """The value of an Authorization for a challenge of MD5 with qop=auth."""
    fields = dict(part.strip().split('=', 1) for part in challenge.partition(' ')[2].split(','))
    realm, nonce = fields['realm'].strip('"'), fields['nonce'].strip('"')

    def md5(*parts):
        return hashlib.md5(':'.join(parts).encode()).hexdigest()
    response = md5(md5(user, realm, password), nonce, '00000001', 'c', 'auth', md5(method, uri))
    return (f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5, qop=auth, '
            f'nc=00000001, cnonce="c", response="{response}"')


class Leg:
    """One side of a dialog: what TALKER sends through HOP and knows of the other side."""

    def __init__(self, talker, hop, local, remote, call_id, routes=(), target='', number=0):
        self.talker, self.hop, self.local, self.remote, self.call_id = talker, hop, local, remote, call_id
        self.routes, self.target, self.number = list(routes), target, number

    def learn(self, answer):
        """From an answer to a request of this side: the route set is reversed (RFC 3261 12.1.2)."""
        self.routes = list(reversed(answer.all('Record-Route')))
        self.target = answer.uri('Contact')
        self.remote = answer.header('To')

    def request(self, method, headers=(), *, number=None, via=None, hops=70, body=b''):
        """Sends it, with the next number unless one is given."""
        if number is None:
            self.number += 1
        lines = [f'{method} {self.target} SIP/2.0', via or self.talker.via(),
                 *(f'Route: {route}' for route in self.routes), f'Max-Forwards: {hops}', f'From: {self.local}',
                 f'To: {self.remote}', f'Call-ID: {self.call_id}', f'CSeq: {number or self.number} {method}', *headers]
        return self.talker.send(self.hop, lines, body)

    def contact(self):
        return f'Contact: <sip:{self.local.partition("sip:")[2].partition("@")[0]}@{self.talker.place}>'


def leg_of(talker, request, tag):
    """The leg of one who was asked."""
    return Leg(talker, request.source, f'{request.header("To")};tag={tag}', request.header('From'), request.call_id,
               request.all('Record-Route'), request.uri('Contact'))
