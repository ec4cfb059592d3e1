"""Servers over TCP and TLS on the far side of a cable, which do to a stream whatever a test wants."""
import contextlib
import socket
import ssl
import struct
import threading

from .far import PORT, grant
from .packets import Packet
from .registrar import TLS_PORT

OPTIONS = (b'OPTIONS sip:alice@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKoptions\r\n'
           b'From: <sip:x@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: options\r\nCSeq: 1 OPTIONS\r\n'
           b'Content-Length: 0\r\n\r\n')
END = b'\r\n\r\n'


class Stream:
    """One connection, and the messages on it."""

    def __init__(self, connection):
        self.connection, self.received = connection, b''

    def read(self):
        """The next message; None once the stream has ended."""
        while (size := self.whole_bytes()) is None:
            more = self.connection.recv(1 << 16)
            if not more:
                return None
            self.received += more
        message, self.received = self.received[:size], self.received[size:]
        return Packet(0, '', '', message)

    def whole_bytes(self):
        """How long the first message is; None: not all of it is here."""
        head, end, body = self.received.partition(END)
        size = int(Packet(0, '', '', head + END).header('Content-Length') or 0)
        return len(head + end) + size if end and len(body) >= size else None

    def send(self, *pieces):
        for piece in pieces:
            self.connection.sendall(piece)

    def close(self):
        """Ends it at once, whoever reads it."""
        self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.connection.close()


def register(stream, reply=lambda stream, answer: stream.send(answer)):
    """Grants each REGISTER, by REPLY(stream, answer)."""
    while packet := stream.read():
        answer = grant(packet)
        if answer:
            reply(stream, answer)


class Listener:
    """At ADDRESS, over TLS if it has a CERTIFICATE file; SERVE(stream) has a thread for each connection. PORT is the
    transport's own unless given."""

    def __init__(self, far, address, serve=register, *, certificate=None, port=None):
        self.serve, self.certificate = serve, certificate
        self.streams = []
        self.listener = far.bind(address, port or (TLS_PORT if certificate else PORT), socket.SOCK_STREAM)
        # Threads that end with the test's process.
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.run, args=[connection], daemon=True).start()

    def run(self, connection):
        with contextlib.suppress(OSError):  # a stream that the phone drops, a handshake that it ends
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                connection = context.wrap_socket(connection, server_side=True)
            stream = Stream(connection)
            self.streams.append(stream)
            self.serve(stream)


def silent(_):
    """Takes connections, and never says a word."""
