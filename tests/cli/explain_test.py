#!/usr/bin/env python3
"""`keepline explain`, from a configuration and a zone file to the numbers of the vendors' documents.

    explain_test.py KEEPLINE
"""
import contextlib
import json
import socket
import threading
from pathlib import Path

from explaining import TRANSACTION, Explaining, main, timeline

# Poly Solution Guide: Failover and Route Redundancy (2023), Appendix A, SIP using UDP and SBC failover.
APPENDIX_A = '''<?xml version="1.0" encoding="UTF-8"?>
<polycomConfig
  reg.1.address="5551239999"
  reg.2.address="5554560000"
  voIpProt.server.1.address="server.coreSide.com"
  voIpProt.server.1.retryTimeOut="500"
  voIpProt.server.1.retryMaxCount="3"
  voIpProt.SIP.authOptimizedInFailover="1"
  voIpProt.SIP.failoverOn503Response="1"
  voIpProt.SIP.outboundProxy.address="sbc.accessSide.com"
  voIpProt.SIP.outboundProxy.port="0"
  voIpProt.SIP.outboundProxy.transport="UDPOnly"
  voIpProt.SIP.outboundProxy.failOver.reRegisterOn="1"
  voIpProt.SIP.outboundProxy.failOver.onlySignalWithRegistered="1"
  voIpProt.SIP.outboundProxy.failOver.failBack.mode="duration"
  voIpProt.SIP.outboundProxy.failOver.failBack.timeout="600"
  voIpProt.SIP.outboundProxy.failOver.failRegistrationOn="1"
/>
'''

ZONE = '''$TTL 300
_sip._udp.sbc.accessside.com. SRV 30 0 5060 naramata.poly.com.
_sip._udp.sbc.accessside.com. SRV 10 0 5060 summerland.poly.com.
_sip._udp.sbc.accessside.com. SRV 20 0 5070 kelowna.poly.com.
summerland.poly.com. A 10.242.16.2
kelowna.poly.com.    A 10.149.16.9
naramata.poly.com.   A 192.17.51.43
three.example.com.   A 192.0.2.1
three.example.com.   A 192.0.2.2
three.example.com.   A 192.0.2.3
'''

NO_SUCH_NAME = b'\x81\x83'  # the flags of a DNS answer: NXDOMAIN


def site(**parameters):
    """A configuration of one line on three.example.com, with further parameters."""
    values = {'reg.1.address': 'alice', 'voIpProt.server.1.address': 'three.example.com',
              'voIpProt.server.1.port': '5060'}
    values |= {name.replace('_', '.'): value for name, value in parameters.items()}
    return '<polycomConfig ' + '\n'.join(f'{name}="{value}"' for name, value in values.items()) + '/>\n'


class Explain(Explaining):
    def setUp(self):
        super().setUp()
        (self.folder / 'zone').write_text(ZONE)

    def run_explain(self, config, *options):
        (self.folder / 'phone.cfg').write_text(config)
        return self.run_keepline(*options, self.folder / 'phone.cfg')

    def explain(self, config, *options):
        (self.folder / 'phone.cfg').write_text(config)
        return self.explain_files('--dns', self.folder / 'zone', *options, self.folder / 'phone.cfg')

    def test_appendix_a(self):
        """T5, CONF-1 (part), DNS-2 (part), DNS-5, FAIL-2: the guide's own UDP example, end to end."""
        lines = self.explain(APPENDIX_A)
        self.assertEqual([line['aor'] for line in lines],
                         ['sip:5551239999@server.coreside.com', 'sip:5554560000@server.coreside.com'])
        for line in lines:
            self.assertEqual(line['profile'], 'poly')
            [entry] = line['entries']
            self.assertEqual((entry['entry'], entry['names'], entry['via_outbound_proxy'], entry['registers']),
                             (1, ['sbc.accessside.com'], True, True))
            self.assertEqual(entry['routes'], [
                {'route': 1, 'record': 1, 'transport': 'udp', 'address': '10.242.16.2', 'port': 5060,
                 'target': 'summerland.poly.com', 'rank': 1, 'priority': 10, 'weight': 0, 'ttl': 300},
                {'route': 2, 'record': 1, 'transport': 'udp', 'address': '10.149.16.9', 'port': 5070,
                 'target': 'kelowna.poly.com', 'rank': 1, 'priority': 20, 'weight': 0, 'ttl': 300},
                {'route': 3, 'record': 1, 'transport': 'udp', 'address': '192.17.51.43', 'port': 5060,
                 'target': 'naramata.poly.com', 'rank': 1, 'priority': 30, 'weight': 0, 'ttl': 300}])
            expected = timeline(3, attempts=3, fixed=500)
            self.assertEqual(expected[0][3], (1500, 2, 1))
            self.assertEqual(self.sends(line, 'INVITE'), expected)
            self.assertEqual(self.sends(line, 'REGISTER'), expected)
            # The call waits on the first route only; on the next ones the line registers first.
            self.assertEqual({(step['route'], step['method']) for step in line['timelines']['INVITE'][:-1]},
                             {(1, 'INVITE'), (2, 'REGISTER'), (3, 'REGISTER')})
            self.assertEqual(line['failback'], {'mode': 'duration', 'reregisters': True, 'after_ms': 600000})

    def test_time_1_udp_defaults(self):
        """TIME-1, T1: 0, 500, 1500 ms, and the next route at 3500 ms."""
        [line] = self.explain(site())
        sends, given_up = self.sends(line, 'INVITE')
        self.assertEqual(sends[:4], [(0, 1, 1), (500, 1, 2), (1500, 1, 3), (3500, 2, 1)])
        self.assertEqual((sends, given_up), timeline(3))

    def test_time_2_fixed_gaps(self):
        """TIME-2, T3: 5000 ms twice over three A records."""
        [line] = self.explain(site(**{'voIpProt.server.1.retryTimeOut': '5000', 'voIpProt.server.1.retryMaxCount': '2'}))
        sends, given_up = self.sends(line, 'REGISTER')
        self.assertEqual([send[0] for send in sends],
                         [0, 5000, 10000, 15000, 20000, 20500, 21500, 23500, 27500, 31500])
        self.assertEqual((sends, given_up), timeline(3, attempts=2, fixed=5000))

    def test_time_3_last_route(self):
        """TIME-3: the last route has the rest of 32 s in `poly`, 32 s of its own in `poly-2012`."""
        [line] = self.explain(site(), '--profile', 'poly')
        self.assertEqual(self.sends(line, 'REGISTER')[1], 32000)
        [line] = self.explain(site(), '--profile', 'poly-2012')
        self.assertEqual(self.sends(line, 'REGISTER'), timeline(3, whole_last=True))
        self.assertEqual(self.sends(line, 'REGISTER')[1], 39000)

    def test_two_entries(self):
        """FALL-1, FALL-8: each entry registers by itself; a call walks on to the second one."""
        [line] = self.explain(site(**{'voIpProt.server.2.address': '192.0.2.9'}))
        self.assertEqual([len(entry['routes']) for entry in line['entries']], [3, 1])
        self.assertIsNone(line['entries'][1]['routes'][0]['target'])
        for entry, routes in ((1, 3), (2, 1)):
            steps = [step for step in line['timelines']['REGISTER'] if step.get('entry') == entry]
            self.assertEqual([(step['t_ms'], step['route'], step['attempt']) for step in steps[:-1]],
                             timeline(routes)[0])
            self.assertEqual((steps[-1]['event'], steps[-1]['t_ms']), ('give-up', TRANSACTION))
        self.assertEqual([step['t_ms'] for step in line['timelines']['INVITE'] if step.get('entry') == 2][0], 10500)

    def test_summary(self):
        """SEE-3: what it means, in words."""
        [line] = self.explain(site())
        self.assertEqual(line['summary'][0], 'A call placed after the primary falls silent rings after 3.5 s; '
                                             'with none left it fails after 32 s.')
        # A refresh after 3600 - 60 s, then its own 3.5 s on the dead server.
        self.assertIn('at worst the line can be called again after 3543.5 s', line['summary'][2])
        self.assertEqual(line['failover']['silence_ms'], 3543500)
        self.assertEqual([(step['t_ms'], step['event'], step.get('route')) for step in line['failover']['INVITE']],
                         [(0, 'send', 1), (500, 'send', 1), (1500, 'send', 1), (3500, 'send', 2), (3500, 'answer', None)])

    def test_summary_of_a_single_server(self):
        """SEE-3: with one route nothing is left to move to."""
        [line] = self.explain(site(**{'voIpProt.server.1.address': '192.0.2.9'}))
        self.assertEqual(line['summary'][0], 'A call placed after the primary falls silent fails after 32 s.')
        self.assertIn('no other server takes the registration', line['summary'][2])

    def test_backoff(self):
        """BACK-2, T7: base 10 s, at most 120 s."""
        [line] = self.explain(site(**{'voIpProt.server.1.registerRetry.baseTimeOut': '10',
                                      'voIpProt.server.1.registerRetry.maxTimeOut': '120'}))
        most = [10, 20, 40, 80, 120, 120, 120]
        self.assertEqual(line['backoff'], [{'failures': n, 'min_ms': w * 500, 'max_ms': w * 1000}
                                           for n, w in enumerate(most)])

    def test_provenance(self):
        """PROF-1: every value says where it came from."""
        [line] = self.explain(site(**{'voIpProt.server.1.retryTimeOut': '700'}), '--profile', 'poly')
        values = {value['name']: value for value in line['parameters']}
        found = values['voIpProt.server.1.retryTimeOut']
        self.assertEqual(found['value'], '700')
        self.assertRegex(found['from'], r'phone\.cfg:4$')
        self.assertIn('profile poly', {value['from'] for value in line['parameters']})

    def test_secrets_stay_secret(self):
        run = self.run_explain(site(**{'reg.1.auth.password': 'mellon'}), '--json', '--parameters',
                               '--dns', str(self.folder / 'zone'))
        self.assertEqual(run.returncode, 0)
        self.assertNotIn('mellon', run.stdout + run.stderr)

    def test_one_line_and_one_method(self):
        [line] = self.explain(APPENDIX_A, '--line', '2', '--method', 'subscribe')
        self.assertEqual(line['line'], 2)
        self.assertEqual(list(line['timelines']), ['SUBSCRIBE'])
        self.assertEqual(self.sends(line, 'SUBSCRIBE'), timeline(3, fixed=500))

    def test_text(self):
        """The same for people: routes, times and words."""
        run = self.run_explain(site(), '--dns', str(self.folder / 'zone'), '--parameters')
        self.assertEqual(run.returncode, 0)
        for words in ('udp 192.0.2.2:5060', 'route 2   INVITE at 3.5, 4, 5 s', 'INVITE given up at 32 s: 408',
                      '30 to 60 s', 'reg.1.server.1.retryMaxCount'):
            self.assertIn(words, run.stdout)

    def golden(self, *options):
        """What explain prints of the files in golden/, and the folder."""
        folder = Path(__file__).parent / 'golden'
        run = self.run_keepline('--dns', 'zone', *options, 'phone.yaml', folder=folder)
        self.assertEqual((run.returncode, run.stderr), (0, ''))
        return run.stdout, folder

    def test_golden_text(self):
        """SEE-3: the text as a whole: routes, pictures, back-off, words."""
        self.maxDiff = None
        out, folder = self.golden()
        self.assertEqual(out, (folder / 'explain.txt').read_text('utf-8'))

    def test_golden_json(self):
        """SEE-3: the JSON as a whole, but for the list of parameters."""
        self.maxDiff = None
        out, folder = self.golden('--json')
        found = json.loads(out)
        for line in found['lines']:
            self.assertTrue(line.pop('parameters'))
        self.assertEqual(found, json.loads((folder / 'explain.json').read_text('utf-8')))

    def test_native_names(self):
        """CONF-5 (part): the resolvers of a native file are asked; its static records serve where there are none."""
        line = 'lines: [{user: bob, servers: {name: sip.example.com, transport: udp}}]\n'
        statics = """dns:
  - {name: _sip._udp.sip.example.com, type: SRV, target: a.example.com, port: 5070}
  - {name: a.example.com, type: A, address: 192.0.2.7}
"""
        with self.resolver() as (address, asked):
            run = self.run_explain(f'resolvers: {address}\n' + line + statics, '--json')
        self.assertTrue(asked)
        self.assertEqual(run.returncode, 0, run.stderr)
        offline = self.run_explain(line + statics, '--json', '--resolver', 'none')
        self.assertEqual(json.loads(offline.stdout)['lines'][0]['entries'], json.loads(run.stdout)['lines'][0]['entries'])
        [route] = json.loads(run.stdout)['lines'][0]['entries'][0]['routes']
        self.assertEqual((route['address'], route['port'], route['target']), ('192.0.2.7', 5070, 'a.example.com'))

    def test_native_provenance(self):
        """CONF-5 (part), PROF-1: values of a native file say where they stand, in its own words."""
        [line] = self.explain('lines:\n  - user: bob\n    servers: {name: 192.0.2.1}\n    policy: {retry_gap: 0.7s}\n')
        values = {value['name']: (value['value'], value['from']) for value in line['parameters']}
        self.assertEqual(values['lines.1.policy.retry_gap'], ('0.7s', str(self.folder / 'phone.cfg') + ':4'))
        self.assertEqual(line['profile'], 'keepline')

    def test_unresolved_name(self):
        """BACK-7: a name that doesn't resolve is said, and the exit status tells."""
        run = self.run_explain(site(**{'voIpProt.server.1.address': 'nowhere.example.com'}), '--json',
                               '--dns', str(self.folder / 'zone'))
        self.assertEqual(run.returncode, 1)
        [line] = json.loads(run.stdout)['lines']
        self.assertEqual(line['entries'][0]['routes'], [])
        self.assertIn('No route was found', line['summary'][0])
        self.assertIn('nowhere.example.com', ' '.join(line['warnings']))

    @contextlib.contextmanager
    def resolver(self):
        """A DNS server that knows no name: its address, and what it was asked."""
        asked, done = [], threading.Event()

        def serve():
            while not done.is_set():
                try:
                    question, client = server.recvfrom(4096)
                except socket.timeout:
                    continue
                asked.append(question)
                server.sendto(question[:2] + NO_SUCH_NAME + question[4:], client)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(('127.0.0.1', 0))
            server.settimeout(0.1)
            thread = threading.Thread(target=serve)
            thread.start()
            yield '127.0.0.1:%d' % server.getsockname()[1], asked
            done.set()
            thread.join()

    def test_resolver(self):
        """--resolver asks the server that is named: here one that knows no name."""
        with self.resolver() as (address, asked):
            run = self.run_explain(site(), '--resolver', address)
        self.assertEqual(run.returncode, 1)
        self.assertTrue(any(b'\x05three\x07example\x03com' in question for question in asked))

    def test_bad_input(self):
        """Wrong usage and unreadable input: exit status 2 and one clear line."""
        zone = str(self.folder / 'zone')
        (self.folder / 'bad').write_text('a.example.com. A 192.0.2\n')
        for config, options, words in (
                ('not xml', ('--dns', zone), 'phone.cfg:1'),
                (site(), ('--dns', '/nonexistent'), '/nonexistent: No such file'),
                (site(), ('--dns', str(self.folder / 'bad')), 'bad:1: '),
                (site(), ('--dns', zone, '--profile', 'nokia'), 'nokia'),
                (site(), ('--dns', zone, '--line', '9'), 'no line 9'),
                (site(), ('--dns', zone, '--line', 'x'), 'x is no line number'),
                (site(), ('--dns', zone, '--method', 'DANCE'), 'DANCE'),
                (site(), ('--dns', zone, '--resolver', '127.0.0.1'), 'exclude each other'),
                (site(), ('--resolver', 'ns.example.com'), 'ns.example.com: ')):
            with self.subTest(options=options):
                run = self.run_explain(config, *options)
                self.assertEqual(run.returncode, 2, run.stdout)
                self.assertIn(words, run.stderr)
                self.assertEqual(run.stdout, '')


if __name__ == '__main__':
    main()
