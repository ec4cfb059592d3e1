"""The line's first server, which says whatever a test wants: a socket at its address."""
import itertools
import socket

from .phone import BIND
from .waiting import PATIENCE_S

PROBE = ('OPTIONS sip:alice@{phone} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKprobe{number};rport\r\n'
         'From: <sip:probe@{own}>;tag=p\r\nTo: <sip:alice@{phone}>\r\nCall-ID: probe{number}\r\nCSeq: 1 OPTIONS\r\n'
         'Content-Length: 0\r\n\r\n')


class Impostor:
    def __init__(self, address):
        self.numbers = itertools.count(1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((address, 0))
        self.socket.settimeout(PATIENCE_S)
        self.own = '{}:{}'.format(*self.socket.getsockname())

    def send(self, message):
        address, _, port = BIND.partition(':')
        self.socket.sendto(message, (address, int(port)))

    def ask(self):
        """Asks something that is answered at once, after all that was sent before; the Call-ID of the question."""
        number = next(self.numbers)
        self.send(PROBE.format(phone=BIND, own=self.own, number=number).encode())
        return f'probe{number}'
