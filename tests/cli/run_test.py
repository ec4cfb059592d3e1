#!/usr/bin/env python3
"""`keepline run` with what a native file says of the device: address, control socket, resolvers, certificates.

    run_test.py KEEPLINE
"""
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KEEPLINE = sys.argv[1]
DEADLINE = 60  # seconds


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


def free_port():
    """A port that is free, as the next one is. Below those that the kernel gives to clients, since one that connects to
    its own port meets itself."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            with socket.create_server(('127.0.0.1', port)), socket.create_server(('127.0.0.1', port + 1)):
                return port
        except OSError:
            continue


def shown_certificate(port):
    """The certificate that is shown at PORT, as PEM, once somebody listens there."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return ssl.get_server_certificate(('127.0.0.1', port))
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, 'nobody listens for TLS'


def test_tls():
    """CONF-5 (part): the certificate of the file is shown to those who connect from a server's address."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, port = Path(folder) / 'phone.pem', free_port()
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj',
                        '/CN=phone', '-keyout', Path(folder) / 'phone.key', '-out', certificate], check=True,
                       capture_output=True, timeout=DEADLINE)
        path = Path(folder) / 'phone.yaml'
        path.write_text(f'''local: 127.0.0.1:{port}
control: control
tls: {{cert: phone.pem, key: phone.key}}
lines:
  - {{user: alice, servers: {{name: 127.0.0.1, transport: udp}}}}
''')
        phone = subprocess.Popen([KEEPLINE, 'run', path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert shown_certificate(port + 1).strip() == certificate.read_text().strip()
        finally:
            phone.terminate()
            phone.terminate()
            phone.wait(DEADLINE)


def test_reload():
    """SIGHUP: the service manager is told of the beginning and of the end, also where the file has errors."""
    server, server_port = listen()
    good = f'lines: [{{user: alice, servers: {{name: 127.0.0.1, port: {server_port}}}}}]\n'
    with tempfile.TemporaryDirectory() as folder, server, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path, notify = Path(folder) / 'phone.yaml', Path(folder) / 'notify'
        path.write_text(good)
        manager.bind(str(notify))
        manager.settimeout(DEADLINE)
        phone = subprocess.Popen([KEEPLINE, 'run', '--bind', f'127.0.0.1:{free_port()}', '--control',
                                  Path(folder) / 'control', path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 env={**os.environ, 'NOTIFY_SOCKET': str(notify)}, text=True)

        def wait_told(word):
            while not (told := manager.recv(4096).decode()).startswith(word):
                pass
            return told
        try:
            wait_told('READY=1')
            for text in (good, 'lines: [', good):
                path.write_text(text)
                phone.send_signal(signal.SIGHUP)
                assert 'MONOTONIC_USEC=' in wait_told('RELOADING=1')
                wait_told('READY=1')
        finally:
            phone.terminate()
            phone.terminate()
            _, log = phone.communicate(timeout=DEADLINE)
        assert log.count('nothing is changed') == 1, log
        assert log.count('1 lines go on') == 2, log


if __name__ == '__main__':
    for test in (test_device, test_tls, test_reload):
        test()
        print(f'passed {test.__name__}')
