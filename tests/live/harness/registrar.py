"""Kamailio: a registrar and proxy that can be frozen, stopped and told to answer 503."""
import itertools
import ipaddress
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from . import authority, names
from .waiting import PATIENCE_S, Failure, Process, udp_is_bound, wait_for

CONFIGURATION = Path(__file__).resolve().parent.parent / 'peers' / 'kamailio.cfg'
PASSWORD = 'correct-horse-battery'
PORT, TLS_PORT = 5060, 5061
DATABASE_TEMPLATE = Path('/usr/share/kamailio/dbtext/kamailio')
DATABASE_TABLES = 'version', 'presentity', 'active_watchers', 'watchers', 'xcap', 'pua'
PUBLISH = ('PUBLISH sip:{user}@{domain} SIP/2.0\r\nVia: SIP/2.0/UDP {probe}:{port};branch=z9hG4bKpublish{id}\r\n'
           'From: <sip:{user}@{domain}>;tag=p{id}\r\nTo: <sip:{user}@{domain}>\r\nCall-ID: publish{id}@{probe}\r\n'
           'CSeq: 1 PUBLISH\r\nMax-Forwards: 9\r\nEvent: {event}\r\nExpires: 3600\r\nContent-Type: {type}\r\n'
           'Content-Length: {length}\r\n\r\n{body}')
PUBLISH_IDS = itertools.count(1)
PROBE_ADDRESS = {4: '127.0.3.1', 6: '::1'}
PROBE = ('OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {probe}:{port};branch=z9hG4bKprobe\r\n'
         'From: <sip:probe@{probe}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: probe@{probe}\r\nCSeq: 1 OPTIONS\r\n'
         'Max-Forwards: 9\r\nContent-Length: 0\r\n\r\n')


class Registrar:
    """One instance, at ADDRESS, port 5060, which relays calls to CALLEE. With STREAMS it takes TCP there too, and TLS at
    port 5061, where its certificate shows what SHOWN says, its own name for {name}. With PRESENCE it takes PUBLISH and
    SUBSCRIBE. With SERVICE_ROUTE a registration is told one through this server, and a call has to come by it. The
    address may be an IPv6 one."""

    def __init__(self, name, address, folder, callee, *, algorithm='MD5', expires_max_s=3600, challenge_invite=False,
                 streams=False, shown=f'DNS:{names.DOMAIN}', presence=False, service_route=False):
        self.name, self.address, self.family = name, address, ipaddress.ip_address(address).version
        self.host = f'[{address}]' if self.family == 6 else address
        self.folder = folder / name
        self.folder.mkdir()
        self.control = f'unixs:{self.folder}/control'
        text = {'CONTROL': self.control, 'ALGORITHM': algorithm, 'PASSWORD': PASSWORD, 'CALLEE': f'sip:{callee.route}' if callee else ''}
        defines = [f'{key}="{value}"' for key, value in text.items()] + [f'EXPIRES_MAX={expires_max_s}']
        defines += ['CHALLENGE_INVITE'] if challenge_invite else []
        defines += ['SERVICE_ROUTE'] if service_route else []
        if presence:
            defines += ['PRESENCE', f'DATABASE="text://{self.make_database()}"']
        if streams:
            certificate = authority.issue(folder, name, shown.format(name=name))
            defines += ['STREAMS', f'CERTIFICATE="{certificate}"']
        command = ['kamailio', '-DD', '-E', '-f', CONFIGURATION, '-l', f'udp:{self.host}:{PORT}', '-m', '32', '-M', '4',
                   '-Y', self.folder, '-w', self.folder]
        if streams:
            command += ['-l', f'tcp:{self.host}:{PORT}', '-l', f'tls:{self.host}:{TLS_PORT}']
        for define in defines:
            command += ['-A', define]
        self.process = Process(name, command, self.folder)

    def make_database(self):
        """A folder with empty tables: the presence modules want some to be there, and keep all in memory."""
        folder = self.folder / 'database'
        folder.mkdir()
        for table in DATABASE_TABLES:
            shutil.copy(DATABASE_TEMPLATE / table, folder / table)
        return folder

    def publish(self, event, content_type, body, user='alice'):
        """A PUBLISH of what USER's mailbox, phone or presence says now; its status."""
        with self.open_probe() as publisher:
            publisher.settimeout(PATIENCE_S)
            text = PUBLISH.format(user=user, domain=names.DOMAIN, probe=PROBE_ADDRESS[self.family], event=event, type=content_type,
                                  port=publisher.getsockname()[1], length=len(body), id=next(PUBLISH_IDS), body=body)
            publisher.send(text.encode())
            return int(publisher.recv(4096).split()[1])

    def open_probe(self):
        """A socket that is connected to the server's."""
        probe = socket.socket(socket.AF_INET if self.family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        probe.bind((PROBE_ADDRESS[self.family], 0))
        probe.connect((self.address, PORT))
        return probe

    @property
    def route(self):
        return f'{self.host}:{PORT}'

    def start(self):
        """Starts with no registrations, and returns once requests are answered."""
        self.process.start()
        wait_for(self.is_up, f'{self.name} answers OPTIONS', within_s=60, every_s=0.02)

    def is_up(self):
        if not self.process.running:
            raise Failure(f'{self.name} ended with status {self.process.process.returncode}')
        return self.probe() == 200

    def wait_probed(self, expected):
        """Until that is what comes of a probe()."""
        wait_for(lambda: self.probe() == expected, f'{self.name} answers OPTIONS: {expected}')

    def probe(self):
        """How an OPTIONS is answered: the status code, "refused" (by ICMP), or "silence" for now."""
        with self.open_probe() as probe:
            probe.settimeout(0.2)
            text = PROBE.format(address=self.host, probe=f'[{PROBE_ADDRESS[6]}]' if self.family == 6 else PROBE_ADDRESS[4], port=probe.getsockname()[1])
            try:
                probe.send(text.encode())
                return int(probe.recv(4096).split()[1])
            except ConnectionRefusedError:
                return 'refused'
            except TimeoutError:
                return 'silence'

    def freeze(self):
        """Silent from now on: the port stays open, and nothing is answered."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        """Goes on where freeze() stopped it, and answers what came meanwhile."""
        self.process.signal(signal.SIGCONT)

    def stop(self):
        """Gone, as by a power cut: the port is closed, and the kernel answers with ICMP."""
        self.process.kill()
        wait_for(lambda: not udp_is_bound(self.address, PORT), f'the port of {self.name} is closed')

    def restart(self):
        """Back to life, with no memory of registrations or of requests that waited."""
        self.stop()
        self.start()

    def command(self, *words):
        run = subprocess.run(['kamcmd', '-s', self.control, *words], capture_output=True, text=True, check=False)
        if run.returncode:
            raise Failure(f'kamcmd {" ".join(words)} on {self.name}: {run.stderr.strip() or run.stdout.strip()}')
        return run.stdout

    def refuse(self, on=True):
        """Answers 503 with Retry-After to every request from now on; or no longer."""
        self.command('pv.shvSet', 'refusing', 'int', str(int(on)))

    def contacts(self):
        """The contact addresses registered here."""
        lines = map(str.strip, self.command('ul.dump').splitlines())
        return [line.partition(':')[2].strip() for line in lines if line.startswith('Address:')]
