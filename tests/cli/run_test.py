#!/usr/bin/env python3
"""`keepline run` with what a native file says of the device: address, control socket, resolvers.

    run_test.py KEEPLINE
"""
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

KEEPLINE = sys.argv[1]
DEADLINE = 20  # seconds


def listen():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('127.0.0.1', 0))
    sock.settimeout(DEADLINE)
    return sock, sock.getsockname()[1]


def test_device():
    """CONF-5 (part)"""
    server, server_port = listen()
    resolver, resolver_port = listen()
    spare, local_port = listen()
    spare.close()  # free again, for the phone
    with tempfile.TemporaryDirectory() as folder, server, resolver:
        control = Path(folder) / 'control'
        path = Path(folder) / 'phone.yaml'
        path.write_text(f'''local: 127.0.0.1:{local_port}
control: {control}
resolvers: 127.0.0.1:{resolver_port}
lines:
  - {{user: alice, servers: {{name: 127.0.0.1, port: {server_port}}}}}
  - {{user: bob, servers: {{name: named.example.com}}}}
''')
        phone = subprocess.Popen([KEEPLINE, 'run', path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            request, source = server.recvfrom(65535)
            assert request.startswith(b'REGISTER '), request
            assert source == ('127.0.0.1', local_port), source
            question, _ = resolver.recvfrom(65535)
            assert b'\x05named\x07example\x03com' in question, question
            status = subprocess.run([KEEPLINE, 'status', '--control', control], timeout=DEADLINE, capture_output=True,
                                    text=True, check=True)
            assert 'alice' in status.stdout, status.stdout
        finally:
            phone.terminate()
            phone.terminate()
            phone.wait(DEADLINE)


if __name__ == '__main__':
    test_device()
    print('passed test_device')
