"""DNS messages, as far as a test's own DNS server needs them."""
import socket
import struct
import threading

A, AAAA, SRV = 1, 28, 33
IN = 1
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
TTL_S = 300
FLAG_TRUNCATED = 0x02  # of the third byte
POINTER_TO_QUESTION = b'\xc0\x0c'


def name_bytes(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\0'


def question(query):
    """The name and the type that a query asks for."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return '.'.join(labels), struct.unpack('!H', query[at + 1:at + 3])[0]


def record_data(kind, value):
    if kind == SRV:
        priority, weight, port, target = value
        return struct.pack('!HHH', priority, weight, port) + name_bytes(target)
    return socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, value)


def zone(records):
    """RECORDS as the lines of a zone file."""
    lines = []
    for (name, kind), values in records.items():
        for value in values:
            data = '{} {} {} {}.'.format(*value) if kind == SRV else value
            lines.append(f'{name}. {TTL_S} {"SRV" if kind == SRV else "A" if kind == A else "AAAA"} {data}\n')
    return ''.join(lines)


def answer(query, records, status=None, ttl_s=TTL_S):
    """An answer out of RECORDS, {(name, type): [values]}; with STATUS, that error and no records."""
    asked = question(query)
    values = records.get(asked, []) if status is None else []
    known = any(name == asked[0] for name, _ in records)
    code = status if status is not None else NOERROR if known else NXDOMAIN
    question_end = 12 + len(name_bytes(asked[0])) + 4
    message = struct.pack('!HHHHHH', *struct.unpack('!H', query[:2]), 0x8580 | code, 1, len(values), 0, 0)
    message += query[12:question_end]
    for value in values:
        data = record_data(asked[1], value)
        message += POINTER_TO_QUESTION + struct.pack('!HHIH', asked[1], IN, ttl_s, len(data)) + data
    return message


def truncated(query):
    """An answer that says no more than that it does not fit (RFC 1035 4.1.1)."""
    message = bytearray(answer(query, {}, NOERROR))
    message[2] |= FLAG_TRUNCATED
    return bytes(message)


class FakeServer:
    """A DNS server at ADDRESS that does what REPLY(query) says: bytes, or None for silence."""

    def __init__(self, address, reply=lambda query: None):
        self.reply = reply
        self.queries = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.thread = threading.Thread(target=self.serve, daemon=True)  # ends with the test's process
        self.thread.start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(1 << 12)
            self.queries.append((query, peer))
            reply = self.reply(query)
            if reply:
                self.socket.sendto(reply, peer)
