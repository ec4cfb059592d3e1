"""`keepline lab`, and the phones that are rehearsed with it."""
import json
import signal
import subprocess

from .phone import BIND, PROGRAM, Phone
from .waiting import Failure, Process, wait_for

DOMAIN = 'lab.example'
PASSWORD = 'lab-only'
RESOLVER = '127.0.1.53:5353'
SERVERS = ('server1', 'server2', 'server3')
TOLERANCE_MS = 400  # a loaded machine's, and less than the gaps between a phone's sends
WITHIN_S = 40.0  # for what takes a phone some sends, or a back-off

LINE = """profile: {profile}
resolvers: ["{resolver}"]
tls: {{ca_file: {folder}/ca.pem}}
policy: {{{policy}}}
lines:
  - user: alice
    domain: {domain}
    password: {password}
    servers: [{{name: {domain}, transport: {transport}}}]
"""


class LabPhone(Phone):
    """One of ours, by a native file: it says by which rules the lab judges it, too."""

    def configure(self, parameters):
        self.file.touch(0o600)
        self.file.write_text(parameters)

    def call(self, target=f'sip:bob@{DOMAIN}'):
        return super().call(target)


class LabWorld:
    """A lab, and the phones at it. FILE is the text of a lab file; the other options are those of the line that is
    expected: its profile, transport and policy. For a `with` statement."""

    def __init__(self, folder, file='', profile='poly', transport='udp', policy=''):
        self.folder = folder
        self.line = LINE.format(folder=folder, profile=profile, transport=transport, policy=policy, domain=DOMAIN,
                                password=PASSWORD, resolver=RESOLVER)
        self.control = folder / 'lab.control'
        self.verdict_file = folder / 'verdict.json'
        lab_file, line_file = folder / 'lab.yaml', folder / 'expected.yaml'
        lab_file.write_text(f'ca: {folder}/ca.pem\n{file}')
        line_file.write_text(self.line)
        line_file.chmod(0o600)
        self.lab = Process('lab', ['sh', '-c', f'exec {PROGRAM} lab {lab_file} --control {self.control} '
                                               f'--expect {line_file} --tolerance {TOLERANCE_MS} --json --report {folder}/report.html '
                                               f'> {self.verdict_file}'], folder)
        self.phones = []
        self.log = self

    def __enter__(self):
        self.lab.start()
        wait_for(self.control.exists, 'the lab runs')
        return self

    def __exit__(self, *_):
        for part in self.phones:
            part.stop()
        self.lab.kill()

    def timeline(self):
        """What the lab saw: shown when a test fails."""
        return self.lab.output()

    def expect_no_crash(self):
        for phone in self.phones:
            status = phone.process.process.poll()
            if status is not None and status < 0:
                raise Failure(f'{phone.name} was ended by signal {-status}')

    def order(self, text):
        """Tells the lab what to do; what it says."""
        run = subprocess.run([str(PROGRAM), 'lab', 'ctl', '--control', str(self.control), *text.split()],
                             capture_output=True, text=True, check=False)
        if run.returncode:
            raise Failure(f'the lab refused "{text}": {run.stderr}')
        return run.stdout

    def wait_seen(self, text, count=1, within_s=WITHIN_S):
        """Until the lab has told of TEXT, an end of a line or a part of it, COUNT times."""
        wait_for(lambda: self.lab.output().count(text) >= count, f'the lab sees {count} x "{text}"', within_s)

    def phone(self, line=None, bind=BIND):
        """A new phone of ours, started, with the line that is expected, or another one."""
        phone = LabPhone(self.folder, line or self.line, f'phone{len(self.phones) + 1}', bind=bind)
        self.phones.append(phone)
        phone.start()
        return phone

    def run_peer(self, name, command):
        """A phone of somebody else, started."""
        peer = Process(name, command, self.folder)
        peer.start()
        self.phones.append(Peer(peer))
        return peer

    def wait_registered(self, server, within_s=WITHIN_S):
        self.wait_status(server, ' 1 registered', within_s)

    def wait_status(self, server, text, within_s=WITHIN_S):
        wait_for(lambda: any(line.startswith(server) and text in line for line in self.order('status').splitlines()),
                 f'{server}: {text}', within_s, 0.1)

    def verdict(self):
        """Ends the lab; its exit status, and its verdict: {rule: {'kept': ..., 'broken': ..., ...}}."""
        self.lab.signal(signal.SIGTERM)
        status = self.lab.wait()
        text = self.verdict_file.read_text('utf-8')
        if not text:
            raise Failure(f'expected a verdict, but the lab ended with {status}')
        return status, {rule['rule']: rule for rule in json.loads(text)['rules']}


class Peer:
    """A process, with the face of a phone."""

    def __init__(self, process):
        self.process, self.name = process, process.name

    def stop(self):
        self.process.kill()


def describe(rules):
    """The breaches of a verdict, for messages."""
    return '\n'.join(f'{name}: {sight["t_s"]:.3f} s {sight["text"]}'
                     for name, rule in rules.items() for sight in rule['breaches'])
