#!/usr/bin/env python3
"""`keepline check`: findings with parameter, place and source; exit status; text and JSON.

    check_test.py KEEPLINE
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

KEEPLINE = None

# The resolvers are named, so that nothing hangs on this machine's own.
SITE = 'resolvers: [127.0.0.1, 127.0.0.2]\n'
GOOD = SITE + 'lines: [{user: bob, servers: {name: sip.example.com}}]\n'
TWO_SERVERS = SITE + '''lines:
  - user: bob
    profile: poly
    servers: [{name: sip.example.com}, {name: 192.0.2.9}]
'''
WRONG = GOOD + 'polcy: {}\npolicy: {t1: 5}\n'


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def check(self, text, *options):
        path = self.folder / 'phone.yaml'
        path.write_text(text)
        run = subprocess.run([KEEPLINE, 'check', *options, 'phone.yaml'], timeout=60, capture_output=True, text=True,
                             check=False, cwd=self.folder, env={**os.environ, 'LC_ALL': 'C'})
        return run.returncode, run.stdout, run.stderr

    def test_nothing_to_say(self):
        self.assertEqual(self.check(GOOD), (0, '0 errors, 0 warnings\n', ''))
        self.assertEqual(self.check(GOOD, '--strict')[0], 0)

    def test_advice_as_text(self):
        """SEE-4 (part): the parameter with its place, why, what to write instead, and the source."""
        status, out, err = self.check(TWO_SERVERS)
        self.assertEqual((status, err), (0, ''))
        self.assertEqual(out, '''\
phone.yaml:5: warning: lines.1.servers.2.name = 192.0.2.9: fallback servers are deprecated
    instead: one server name with several routes, and reRegisterOn 1
    source: Poly Solution Guide: Failover and Route Redundancy (2023) [fallback-deprecated]
0 errors, 1 warning
''')
        self.assertEqual(self.check(TWO_SERVERS, '--strict')[0], 1)

    def test_advice_as_json(self):
        status, out, _ = self.check(TWO_SERVERS, '--json')
        self.assertEqual(status, 0)
        self.assertEqual(json.loads(out), {
            'errors': 0, 'warnings': 1, 'findings': [{
                'severity': 'warning', 'rule': 'fallback-deprecated', 'line': 1,
                'parameter': 'lines.1.servers.2.name', 'value': '192.0.2.9', 'from': 'phone.yaml:5', 'more': 0,
                'why': 'fallback servers are deprecated',
                'instead': 'one server name with several routes, and reRegisterOn 1',
                'source': 'Poly Solution Guide: Failover and Route Redundancy (2023)'}]})

    def test_errors(self):
        """Everything that is wrong in one run, and exit status 1."""
        status, out, _ = self.check(WRONG)
        self.assertEqual(status, 1)
        self.assertIn('phone.yaml:3:1: error: polcy: unknown key; did you mean policy?\n', out)
        self.assertIn('phone.yaml:4:14: error: policy.t1: "5" is not right here; expected a duration', out)
        self.assertIn('2 errors, 0 warnings', out)
        status, out, _ = self.check(WRONG, '--json')
        self.assertEqual(status, 1)
        first = json.loads(out)['findings'][0]
        self.assertEqual((first['file'], first['at_line'], first['at_column'], first['severity']),
                         ('phone.yaml', 3, 1, 'error'))

    def test_unreadable(self):
        """Exit status 2: nothing useful could be read, or wrong usage."""
        for text, options in (('lines: [', ()), ('', ()), (GOOD, ('--lines', '10')), (GOOD, ('--lines', '-1', '--capacity', '1')),
                              (GOOD, ('--capacity', 'x', '--lines', '1')), (GOOD, ('--dns', '/nonexistent'))):
            with self.subTest(text=text, options=options):
                status, out, err = self.check(text, *options)
                self.assertEqual(status, 2)
                self.assertTrue(out or err)

    def test_one_unreadable_file_of_two(self):
        """What can be read is checked all the same."""
        (self.folder / 'other.yaml').write_text('lines: [')
        status, out, _ = self.check(TWO_SERVERS, 'other.yaml')
        self.assertEqual(status, 1)
        self.assertIn('other.yaml:2:1: error: not a good YAML file', out)
        self.assertIn('fallback-deprecated', out)

    def test_fleet(self):
        """OWN-5 (part): 10,000 lines that come back within the minute of [60, 120] s are 167 a second."""
        status, out, _ = self.check(GOOD, '--lines', '10000', '--capacity', '100')
        self.assertEqual(status, 0)
        self.assertIn('10000 lines in 60 s are 166.7 a second, at most 100 are wanted', out)
        self.assertIn('[backoff-short]', out)
        self.assertNotIn('[backoff-short]', self.check(GOOD, '--lines', '10000', '--capacity', '167')[1])

    def test_probes_of_a_fleet(self):
        """OWN-5 (part): phones that probe as if each were alone; those that are told how many they are do not."""
        out = self.check(GOOD, '--lines', '10000', '--capacity', '167')[1]
        self.assertIn('10000 lines in 10 s are 1000 a second, at most 16.7 are wanted', out)
        self.assertIn('fleet_lines and fleet_capacity', out)
        told = 'policy: {fleet_lines: 10000, fleet_capacity: 167}\n' + GOOD
        self.assertEqual(self.check(told, '--lines', '10000', '--capacity', '167')[1], '0 errors, 0 warnings\n')

    def test_resolvers(self):
        """SEE-4 (part): one resolver alone, and none on site."""
        out = self.check(GOOD.replace('[127.0.0.1, 127.0.0.2]', '192.0.2.53'))[1]
        self.assertIn('phone.yaml:1: warning: resolvers = 1: only one DNS server is asked', out)
        for address, found in (('192.0.2.54', True), ('10.0.0.1', False), ('172.31.0.1', False), ('192.168.0.1', False),
                               ('"fd00::1"', False), ('"fe80::1"', False), ('"2001:db8::1"', True), ('172.32.0.1', True)):
            out = self.check(GOOD.replace('[127.0.0.1, 127.0.0.2]', f'[192.0.2.53, {address}]'))[1]
            self.assertEqual('[resolver-off-site]' in out, found, address)

    def test_ttl(self):
        """SEE-4 (part): TTLs are looked at where names are looked up."""
        zone = self.folder / 'zone'
        for ttl, found in ((60, True), (3600, False)):
            zone.write_text(f'sip.example.com. {ttl} A 192.0.2.1\n')
            out = self.check(GOOD, '--dns', 'zone')[1]
            self.assertEqual('the shortest is 60 s' in out and '[ttl-short]' in out, found, out)

    def test_streams(self):
        """SEE-4 (part): advice on TLS, whether or not this version's phone has it."""
        out = self.check(GOOD.replace('sip.example.com}', 'sip.example.com, transport: tls}'), '--profile', 'poly')[1]
        self.assertIn('[tls-without-keepalive]', out)
        self.assertIn('[stream-slow]', out)

    def test_no_password(self):
        text = GOOD.replace('user: bob', 'user: bob, password: mellon')
        for options in ((), ('--json',)):
            self.assertNotIn('mellon', ''.join(map(str, self.check(text, *options))))


if __name__ == '__main__':
    KEEPLINE = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
