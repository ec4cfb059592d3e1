#!/usr/bin/env python3
"""The worked examples of the vendors' papers, from the files of examples/ through `explain --json` to their numbers.

    papers_test.py KEEPLINE
"""
from pathlib import Path

from explaining import TRANSACTION, Explaining, main, timeline

EXAMPLES = Path(__file__).parents[2] / 'examples'

# Poly Solution Guide: Failover and Route Redundancy (2023): the SRV records of its example, for UDP and for TLS.
POLY_ZONE = '$TTL 300\n' + ''.join(
    f'{service}.sbc.accessside.com. SRV {priority} 0 {port} {host}.poly.com.\n'
    for service, port in (('_sip._udp', 5060), ('_sips._tcp', 5061))
    for priority, host in ((30, 'naramata'), (10, 'summerland'), (20, 'kelowna'))) + '''\
summerland.poly.com. A 10.242.16.2
kelowna.poly.com.    A 10.149.16.9
naramata.poly.com.   A 192.17.51.43
example.poly.com.    A 192.0.2.1
'''
POLY_ROUTES = [(1, 10, '10.242.16.2'), (1, 20, '10.149.16.9'), (1, 30, '192.17.51.43')]

# Spectralink CS-18-10: the domain has addresses of its own, which a list of specs must not lead to.
VERSITY_ZONE = '''$TTL 300
testdomain.local. A 192.0.2.99
sipserver1.testdomain.local. A 172.29.102.138
sipserver2.testdomain.local. A 172.29.102.139
fouranames.testdomain.local. A 172.29.102.140
fouranames.testdomain.local. A 172.29.102.141
fouranames.testdomain.local. A 172.29.102.138
fouranames.testdomain.local. A 172.29.102.139
'''
VERSITY_SRV = '''_sip._udp.testdomain.local. SRV 2 0 5060 sipserver2.testdomain.local.
_sip._udp.testdomain.local. SRV 1 0 5060 sipserver1.testdomain.local.
'''


class Papers(Explaining):
    def explain_zone(self, zone, *arguments):
        (self.folder / 'zone').write_text(zone)
        return self.explain_files('--dns', self.folder / 'zone', *arguments)

    def routes(self, line):
        """[(rank, priority, address)] in walking order."""
        [entry] = line['entries']
        return [(route['rank'], route['priority'], route['address']) for route in entry['routes']]

    def windows(self, line):
        """The back-off after each failure: its least and most, in seconds."""
        return [(row['min_ms'] / 1000, row['max_ms'] / 1000) for row in line['backoff']]

    def test_appendix_a_udp(self):
        """T5, TIME-2: three sends 0.5 s apart, 1.5 s a route; failback 600 s after connecting; both lines alike."""
        lines = self.explain_zone(POLY_ZONE, EXAMPLES / 'polycom/phone.cfg')
        self.assertEqual([line['aor'] for line in lines],
                         ['sip:5551239999@server.coreside.com', 'sip:5554560000@server.coreside.com'])
        for line in lines:
            self.assertEqual(self.routes(line), POLY_ROUTES)
            for method in ('INVITE', 'REGISTER'):
                self.assertEqual(self.sends(line, method), timeline(3, attempts=3, fixed=500))
            self.assertEqual(line['failback'], {'mode': 'duration', 'reregisters': True, 'after_ms': 600000})
            # Nothing is said of registerRetry: 60 and 60 s.
            self.assertEqual(self.windows(line), [(30, 60)] * 7)

    def test_appendix_a_tls(self):
        """T6, TIME-5, BACK-2: one send and 4 s a route, the rest of 32 s for the last; back-off from 10 to 180 s."""
        lines = self.explain_zone(POLY_ZONE, EXAMPLES / 'polycom/tls.cfg')
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertEqual(self.routes(line), POLY_ROUTES)
            self.assertEqual({(route['transport'], route['port']) for route in line['entries'][0]['routes']}, {('tls', 5061)})
            for method in ('INVITE', 'REGISTER'):
                self.assertEqual(self.sends(line, method), ([(0, 1, 1), (4000, 2, 1), (8000, 3, 1)], TRANSACTION))
            self.assertEqual(line['failback'], {'mode': 'duration', 'reregisters': True, 'after_ms': 600000})
            self.assertEqual(self.windows(line), [(5, 10), (10, 20), (20, 40), (40, 80), (80, 160), (90, 180), (90, 180)])

    def test_back_off_table(self):
        """T7, BACK-2: base 10 s, at most 120 s; the single route has the whole 32 s."""
        [line] = self.explain_zone(POLY_ZONE, EXAMPLES / 'polycom/back-off.cfg')
        self.assertEqual(self.windows(line), [(5, 10), (10, 20), (20, 40), (40, 80)] + [(60, 120)] * 3)
        self.assertEqual(self.sends(line, 'REGISTER'), timeline(1))

    def versity(self, zone, method, field):
        """The routes of a method's example, the same as of its field on the command line; its names; walked as one."""
        [line] = self.explain_zone(zone, EXAMPLES / f'versity/method-{method}.cfg')
        [told] = self.explain_zone(zone, '--versity', '2001@' + field)
        self.assertEqual((told['entries'], told['timelines']), (line['entries'], line['timelines']))
        self.assertEqual((line['profile'], line['aor']), ('versity', 'sip:2001@testdomain.local'))
        self.assertEqual(line['failback'], {'mode': 'probed', 'reregisters': True})
        # Nothing is said of the last server: it has a whole transaction, as in RFC 3261.
        self.assertEqual(self.sends(line, 'REGISTER'), timeline(len(line['entries'][0]['routes']), whole_last=True))
        return self.routes(line), line['entries'][0]['names']

    def test_versity_method_1(self):
        """T32, PROBE-2 (part): addresses rank as they are listed, the first one is active; no name is looked up."""
        routes, names = self.versity('', 1, 'TestDomain.local; 172.29.102.138; 172.29.102.139')
        self.assertEqual(routes, [(1, 1, '172.29.102.138'), (2, 1, '172.29.102.139')])
        self.assertEqual(names, ['172.29.102.138', '172.29.102.139'])

    def test_versity_method_2(self):
        """T33, PROBE-2 (part): names with an address each, the same ranks."""
        routes, names = self.versity(VERSITY_ZONE + VERSITY_SRV, 2,
                                     'TestDomain.local; SIPServer1.TestDomain.local; SIPServer2.TestDomain.local')
        self.assertEqual(routes, [(1, 1, '172.29.102.138'), (2, 1, '172.29.102.139')])
        self.assertEqual(names, ['sipserver1.testdomain.local', 'sipserver2.testdomain.local'])

    def test_versity_method_3(self):
        """T34, PROBE-2 (part): the domain alone is looked up; its SRV priorities order one rank."""
        routes, names = self.versity(VERSITY_ZONE + VERSITY_SRV, 3, 'TestDomain.local')
        self.assertEqual(routes, [(1, 1, '172.29.102.138'), (1, 2, '172.29.102.139')])
        self.assertEqual(names, ['testdomain.local'])

    def test_versity_method_4(self):
        """T35, PROBE-2 (part): one name with four addresses, all alike, in the order of the answer."""
        routes, names = self.versity(VERSITY_ZONE, 4, 'TestDomain.local; fourAnames.TestDomain.local')
        self.assertEqual(routes, [(1, 1, f'172.29.102.{last}') for last in (140, 141, 138, 139)])
        self.assertEqual(names, ['fouranames.testdomain.local'])


if __name__ == '__main__':
    main()
