#!/usr/bin/env python3
"""`keepline lab` without a network: files with errors, and `lab judge` on captures made here.

    lab_test.py KEEPLINE
"""
import json
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

KEEPLINE = sys.argv.pop()
ROOT = Path(__file__).resolve().parents[2]

PHONE, SERVERS = '192.0.2.1', ('192.0.2.11', '192.0.2.12')
RAW_IP = 101  # libpcap's link type

REGISTER = """REGISTER sip:example.test SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch};rport
From: <sip:{user}@example.test>;tag=f
To: <sip:{user}@example.test>
Call-ID: c
CSeq: {cseq} REGISTER
Contact: <sip:a@192.0.2.1>
Expires: 3600
Max-Forwards: 70
Content-Length: 0

"""

BAD_LAB = """domain: "bad domain"
page: 0.0.0.0:80
servers:
  - {name: dns, address: 127.0.1.2, transports: [udp, sctp]}
  - {name: x, port: 70000}
timeline:
  - {at: 3s, server: nobody, fault: silent}
  - {at: 3s, server: x, fault: answers 99}
  - {at: 4s, server: dns, fault: closed}
frob: 1
"""
BAD_PLACES = {(1, 'domain'), (2, 'page'), (4, 'servers.1.name'), (4, 'servers.1.transports.2'), (5, 'servers.2.port'),
              (5, 'servers'), (7, 'timeline.1.server'), (8, 'timeline.2.fault'), (9, 'timeline.3.fault'), (10, 'frob')}


def keepline(*words):
    return subprocess.run([KEEPLINE, 'lab', *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)


def datagram(target, text):
    """An IPv4 packet from the phone; its checksums count for nothing."""
    body = text.replace('\n', '\r\n').encode()
    udp = struct.pack('>HHHH', 5060, 5060, 8 + len(body), 0) + body
    addresses = b''.join(bytes(map(int, address.split('.'))) for address in (PHONE, target))
    return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses + udp


def capture(sends, user='alice'):
    """A pcap file of REGISTERs: [(seconds, index of the server)]."""
    records = [struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, RAW_IP)]
    for at_s, server in sends:
        packet = datagram(SERVERS[server], REGISTER.format(branch=server, cseq=server + 1, user=user))
        records.append(struct.pack('<IIII', 1000 + int(at_s), int(at_s % 1 * 1000000), len(packet), len(packet)) + packet)
    return b''.join(records)


class Lab(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def judge(self, sends, *options, **how):
        path = self.folder / 'phone.pcap'
        path.write_bytes(capture(sends, **how))
        routes = [word for server in SERVERS for word in ('--route', server)]
        return keepline('judge', path, '--expect', 'poly', *routes, *options)

    def test_help(self):
        for part in ('', 'judge', 'ctl'):
            golden = ROOT / 'tests/cli/golden' / f'lab{part and "-"}{part}-help.txt'
            self.assertEqual(keepline(*part.split(), '--help').stdout, golden.read_text('utf-8'))

    def test_examples(self):
        for path in sorted((ROOT / 'examples/lab').glob('*.yaml')):
            run = keepline(path, '--check')
            self.assertEqual((run.returncode, run.stderr), (0, ''), path.name)

    def test_all_errors_in_one_run(self):
        path = self.folder / 'lab.yaml'
        path.write_text(BAD_LAB)
        run = keepline(path)
        self.assertEqual(run.returncode, 2)
        told = {(int(line.split(':')[1]), line.split(': ')[2]) for line in run.stderr.splitlines()}
        self.assertEqual(told, BAD_PLACES)

    def test_addresses_of_others(self):
        path = self.folder / 'lab.yaml'
        path.write_text('servers:\n  - address: 192.0.2.77\n  - address: 192.0.2.78\n')
        run = keepline(path, '--control', self.folder / 'control')
        self.assertEqual(run.returncode, 2)
        self.assertIn('lab.yaml:2:14: 192.0.2.77:5060: not an address of this machine', run.stderr)
        self.assertIn('lab.yaml:3:14: 192.0.2.78:5060: not an address of this machine', run.stderr)

    def test_no_lab(self):
        run = keepline('ctl', '--control', self.folder / 'nobody', 'status')
        self.assertEqual((run.returncode, run.stdout), (2, ''))

    def test_kept(self):
        # TIME-1: sends at 0, 0.5 and 1.5 s, the next route at 3.5 s.
        run = self.judge([(0, 0), (0.5, 0), (1.5, 0), (3.5, 1)])
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertRegex(run.stdout, r'kept +TIME-1 ')
        self.assertIn('0 broken', run.stdout)

    def test_broken(self):
        run = self.judge([(0, 0), (0.5, 0), (1.5, 0), (3.5, 0), (7.5, 1)], '--json')
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        rules = {rule['rule']: rule for rule in json.loads(run.stdout)['rules']}
        self.assertEqual(rules['TIME-1']['verdict'], 'broken')
        self.assertAlmostEqual(rules['TIME-1']['breaches'][0]['t_s'], 7.5, delta=8)

    def test_tolerance(self):
        late = [(0, 0), (0.7, 0), (1.7, 0), (3.7, 1)]
        for options, status in (((), 1), (('--tolerance', 150), 1), (('--tolerance', 250), 0)):
            self.assertEqual(self.judge(late, *options).returncode, status, options)
        for value in ('-1', '501', '5s', ''):
            for run in (self.judge(late, f'--tolerance={value}'), keepline(f'--tolerance={value}', '--check')):
                self.assertNotIn(run.returncode, (0, 1))
                self.assertIn(f'{value} is no tolerance', run.stderr)

    def test_report_escapes(self):
        path = self.folder / 'out.html'
        run = self.judge([(0, 0), (0.5, 0)], '--report', path, user='%3Cscript%3E')
        self.assertEqual(run.returncode, 0, run.stderr)
        report = path.read_text('utf-8')
        self.assertEqual((report.count('<svg'), report.count('<script')), (1, 0))
        self.assertNotIn('http://', report.replace('http://www.w3.org/2000/svg', ''))

    def test_unreadable(self):
        path = self.folder / 'no.pcap'
        path.write_bytes(b'no capture at all')
        for file in (path, self.folder / 'missing'):
            run = keepline('judge', file, '--expect', 'poly')
            self.assertEqual((run.returncode, run.stdout), (2, ''))
            self.assertIn(str(file), run.stderr)

    def test_usage(self):
        for words in (['judge', 'x'], ['judge', 'x', '--expect', 'poly', '--route', 'x'], ['ctl'], ['--frob'], ['a', 'b']):
            self.assertEqual(keepline(*words).returncode, 2, words)


if __name__ == '__main__':
    unittest.main()
