"""A fault, and how long it takes until the next route is tried: by the engine, and on the wire."""
import concurrent.futures
import json
import math
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from . import authority, dns, namespace
from .far import FAR, NEAR, PORT, SECOND, Log, Server, grant, ip
from .names import DOMAIN
from .phone import run_program
from .registrar import TLS_PORT
from .run import live_test
from .streams import Listener
from .waiting import Failure
from .wire import WireWorld

FIRST, NEXT = FAR[4], SECOND[4]
LIE = '192.0.2.13'     # where only a lie leads to
UNUSED = '192.0.2.99'  # beyond the wire, and nobody's
NAMES, OTHER_NAMES, STRANGER = '192.0.2.53', '192.0.2.54', '192.0.2.55'
SERVICES = {'_sip._udp': PORT, '_sip._tcp': PORT, '_sips._tcp': TLS_PORT}
# 600 ms for a silent server: three sends over UDP, the same window over streams.
POLICY = {'retry_gap': '200ms', 'tcp_fast_failover': 'true', 'backoff_fixed': '1s'}
PATIENT = {'retry_gap': '2s'}  # where the first server is to answer, however loaded the machine is
RESOLVER_HEADER = Path(__file__).resolve().parents[3] / 'net' / 'resolver.h'
MS_PER_S = 1000

RUNS, SEED = int(os.environ.get('RUNS', '3')), int(os.environ.get('SEED', '1'))
RUN_MAX_S = 300
PERCENTILE, APART_MAX_MS = 0.95, 20
MARK = 'figures: '  # the line of its output in which a fault tells its figures
FAULTS = []


class Figures(NamedTuple):
    """From the fault to the next route, or to what stands for it."""
    engine_ms: float
    measured_ms: float

    def apart_ms(self):
        return abs(self.measured_ms - self.engine_ms)


class Route(NamedTuple):
    name: str
    address: str


def records(first=FIRST, second=NEXT):
    """Two servers, the first one first, for every transport."""
    table = {(f'{service}.{DOMAIN}', dns.SRV): [(10, 0, port, f'first.{DOMAIN}'), (20, 0, port, f'second.{DOMAIN}')]
             for service, port in SERVICES.items()}
    return {**table, (f'first.{DOMAIN}', dns.A): [first], (f'second.{DOMAIN}', dns.A): [second]}


def resolver(name):
    """A constant of the resolver, which has times of its own."""
    return int(re.search(rf'#define NET_RESOLVER_{name} (\d+)', RESOLVER_HEADER.read_text('utf-8'))[1])


class FaultWorld(WireWorld):
    """Two servers beyond the wire, and a DNS server that names them; what the servers do is the test's."""

    def __init__(self, folder):
        super().__init__(folder, SEED)
        for address in LIE, NAMES, OTHER_NAMES, STRANGER:
            self.far.ip('address', 'add', f'{address}/24', 'dev', 'far')
        self.records, self.ttl_s = records(), dns.TTL_S
        self.use_names(NAMES)
        self.dns_server(NAMES, lambda packet: self.dns_reply(packet))
        self.policy_file = folder / 'policy.yaml'

    def dns_reply(self, packet):
        """What the DNS server says; a test may put another one in its place."""
        return dns.answer(packet.payload, self.records, ttl_s=self.ttl_s)

    def use_names(self, *addresses):
        (self.folder / 'resolv.conf').write_text(''.join(f'nameserver {address}\n' for address in addresses))

    def dns_server(self, address, reply):
        return Server(self, self.far.bind(address, 53), reply)

    def udp_server(self, address, answer=grant):
        return Server(self, self.far.bind(address, PORT), answer)

    def stream_server(self, address, *serve, **options):
        return Listener(self.far, address, *serve, **options)

    def certificate(self, name='good', shown=f'DNS:{DOMAIN}', days=2):
        return authority.issue(self.folder, name, shown, days)

    def start_phone(self, transport='UDPOnly', lines=1, port=0, **policy):
        """A phone with these policy values on top of POLICY. With a PORT no service is looked up."""
        values = ''.join(f'  {name}: {value}\n' for name, value in {**POLICY, **policy}.items())
        self.policy_file.write_text(f'policy:\n{values}')
        options = ['-v', self.policy_file]
        if transport == 'TLS':
            options += ['--ca-file', authority.certificate_file(self.folder)]
        parameters = {'reg.1.server.1.transport': transport, 'reg.1.server.1.port': port}
        for line in range(2, lines + 1):
            parameters |= {f'reg.{line}.address': f'line{line}', f'reg.{line}.server.1.address': DOMAIN,
                           f'reg.{line}.server.1.transport': transport}
        return self.phone(parameters, *options, bind=f'{NEAR[4]}:5070')

    def registered_phone(self, transport='UDPOnly', **policy):
        phone = self.start_phone(transport, **PATIENT, **policy)
        self.wait_registered(phone)
        return phone

    @staticmethod
    def wait_registered(phone, address=FIRST):
        """The entry's status, once it is registered there."""
        return phone.wait_state('registered', Route(f'the server {address}', address), within_s=40)

    # Networks other than the wire.

    def lay_lan(self, our_address):
        """A local network, with ARP, on which there is nobody else."""
        ip('link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'others', 'netns', self.far.process.pid)
        ip('link', 'set', 'lan', 'up')
        self.far.ip('link', 'set', 'others', 'up')
        ip('address', 'add', our_address, 'dev', 'lan')

    def make_router(self, network):
        """The far side forwards, but has no way to that network."""
        def forward():
            Path('/proc/sys/net/ipv4/ip_forward').write_text('1')
        self.far.there(forward)
        self.far.ip('route', 'add', 'unreachable', network)
        ip('route', 'add', network, 'via', FIRST, 'dev', 'near')

    # What is seen on the wire.

    def sent(self, target, since_ms=0, within_s=40, **filters):
        """The first packet that left for TARGET since then."""
        return self.near_log.wait_one(f'a packet to {target}', within_s=within_s, source=NEAR[4], target=target,
                                      since_ms=since_ms, **filters)

    def came(self, source, since_ms=0, within_s=40, **filters):
        return self.near_log.wait_one(f'a packet from {source}', within_s=within_s, source=source, since_ms=since_ms,
                                      **filters)

    def last_before(self, moment, **filters):
        return self.near_log.find(until_ms=moment.at_ms, **filters)[-1]

    # What the engine says.

    def explained(self, phone):
        """What `explain --json` says of the line."""
        zone = self.folder / 'zone'
        zone.write_text(dns.zone(self.records))
        status, output = run_program('explain', '--json', '--dns', zone, phone.file, self.policy_file)
        if status:
            raise Failure(f'explain ended with status {status}: {output}')
        return json.loads(output)['lines'][0]

    def steps(self, phone):
        """The sends of a REGISTER to which nobody answers."""
        return [step for step in self.explained(phone)['timelines']['REGISTER'] if step['event'] == 'send']

    def backoff_ms(self, phone):
        """The first back-off, which POLICY lets have one length."""
        return self.explained(phone)['backoff'][0]['min_ms']

    def seconds_ms(self, phone, name):
        """A value that a native file gives in seconds."""
        row = next(row for row in self.explained(phone)['parameters'] if row['name'] == name)
        return MS_PER_S * int(row['value'].removesuffix('s'))

    def told_ms(self, phone, says):
        """When a line of the log was written, on the clock of `near_log`."""
        return self.near_log.ms_of(phone.told_ns(says))

    def decided_ms(self, phone, heard, decided):
        """The time in the engine's own trace from what it heard to what it decided, by patterns of their lines. The
        former is the last one before the latter."""
        heard_at = None
        for line in phone.log().splitlines():
            at = re.match(r'\S+ \S+ \[ *(\d+)\.(\d+)\] ', line)
            if at and heard_at is not None and re.search(decided, line):
                return int(at[1] + at[2]) - heard_at
            if at and re.search(heard, line):
                heard_at = int(at[1] + at[2])
        raise Failure(f'expected in the log "{heard}", then "{decided}"')

    # The figures of a fault.

    def silence(self, phone, first=FIRST):
        """Nothing says that the first server fails: only time."""
        tried = self.sent(first)
        moved = self.sent(NEXT)
        engine_ms = next(step['t_ms'] for step in self.steps(phone) if step['route'] == 2)
        return Figures(engine_ms, moved.at_ms - tried.at_ms)

    def report(self, phone, report, says):
        """REPORT, a packet, tells of the fault; the log SAYS so."""
        moved = self.sent(NEXT)
        return Figures(self.decided_ms(phone, says, rf'-> \S+ {NEXT}'), moved.at_ms - report.at_ms)


def fault(function):
    """Makes a part of the table of a function that takes a FaultWorld and returns Figures, or None if the fault moves
    nothing; its docstring starts with IDs."""
    def measure(world):
        figures = function(world)
        print(MARK + json.dumps(figures))
    FAULTS.append(function.__name__)
    measure.__name__, measure.__doc__ = function.__name__, function.__doc__
    return live_test(FaultWorld, is_part=True)(measure)


class Table:
    """All faults, run side by side; it needs no network of its own."""

    def __init__(self, _):
        self.log = Log()
        self.results = {name: [] for name in FAULTS}
        self.failures = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def expect_no_crash(self):
        """Each run has looked at its own phones."""

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as pool:
            runs = [(name, pool.submit(self.run_one, name, seed)) for seed in range(1, RUNS + 1) for name in FAULTS]
            for name, future in runs:
                try:
                    self.results[name].append(future.result())
                except (Failure, subprocess.TimeoutExpired) as failure:
                    self.failures.append(str(failure))

    @staticmethod
    def run_one(name, seed):
        command = namespace.command_inside([sys.executable, '-B', sys.argv[0], name])
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                             env=os.environ | {'SEED': str(seed)}, timeout=RUN_MAX_S)
        found = re.search(f'^{MARK}(.*)$', run.stdout, re.M)
        if run.returncode or not found:
            raise Failure(f'{name}, run {seed}:\n{run.stdout}')
        figures = json.loads(found[1])
        return figures and Figures(*figures)

    def rows(self):
        yield f'{"fault":<30}{"engine ms":>11}{"measured ms":>13}{"difference":>12}{"worst":>8}'
        for name, results in self.results.items():
            if not results or None in results:
                what = 'stays' if results else 'failed'
                yield f'{name:<30}{what:>11}{what:>13}'
                continue
            engine_ms, measured_ms = (statistics.median(column) for column in zip(*results))
            difference_ms = statistics.median(row.measured_ms - row.engine_ms for row in results)
            worst_ms = max(map(Figures.apart_ms, results))
            yield f'{name:<30}{engine_ms:>11.0f}{measured_ms:>13.1f}{difference_ms:>12.1f}{worst_ms:>8.1f}'

    def judge(self):
        if self.failures:
            print('\n'.join(self.rows()))
            raise Failure(f'{len(self.failures)} runs failed\n' + '\n'.join(self.failures))
        apart_ms = sorted(row.apart_ms() for results in self.results.values() for row in results if row)
        percentile_ms = apart_ms[math.ceil(PERCENTILE * len(apart_ms)) - 1]
        text = '\n'.join([*self.rows(), f'{RUNS} runs of each, medians; 95 % of all differences are at most '
                          f'{percentile_ms:.1f} ms, the greatest is {apart_ms[-1]:.1f} ms'])
        print(text)
        if 'TABLE' in os.environ:
            Path(os.environ['TABLE']).write_text(f'{text}\n', 'utf-8')
        if percentile_ms >= APART_MAX_MS:
            raise Failure(f'95 % of the differences: expected below {APART_MAX_MS} ms, measured {percentile_ms:.1f} ms')
