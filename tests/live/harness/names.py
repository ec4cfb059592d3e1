"""Knot DNS, which serves the zone example.test to the tests' namespace."""
import signal

from .waiting import Process

ADDRESS = '127.0.0.53'
DOMAIN = 'example.test'

CONFIGURATION = """
server:
    rundir: "{folder}"
    listen: {address}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "{folder}"
zone:
  - domain: {domain}
    file: "{folder}/zone"
    journal-content: none
"""

HEAD = """$ORIGIN {domain}.
$TTL 300
@ SOA ns hostmaster {serial} 3600 600 86400 1
@ NS ns
ns A {address}
"""


def srv_records(servers, owner='_sip._udp', ttl=300, port=5060):
    """SRV records with priorities 10, 20, ... for the servers: {name: address}, and the servers' A records."""
    lines = [f'{owner} {ttl} SRV {10 * rank} 0 {port} {name}' for rank, name in enumerate(servers, 1)]
    lines += [f'{name} {ttl} A {address}' for name, address in servers.items()]
    return '\n'.join(lines) + '\n'


class Names:
    """The DNS server. RECORDS are zone file lines, relative to example.test."""

    def __init__(self, folder, records):
        self.zone_path = folder / 'zone'
        self.serial = 0
        configuration = folder / 'knot.conf'
        configuration.write_text(CONFIGURATION.format(folder=folder, address=ADDRESS, domain=DOMAIN))
        self.process = Process('knotd', ['knotd', '-c', configuration], folder)
        self.write(records)

    def write(self, records):
        self.serial += 1
        self.zone_path.write_text(HEAD.format(domain=DOMAIN, serial=self.serial, address=ADDRESS) + records)

    def wait_loaded(self):
        self.process.wait_for_output(f'-> {self.serial}')

    def start(self):
        self.process.start()
        self.process.wait_for_output('server started')
        self.wait_loaded()

    def change(self, records):
        """Serves other records from now on."""
        self.write(records)
        self.process.signal(signal.SIGHUP)
        self.wait_loaded()

    def freeze(self):
        """No query gets an answer any more, nor an error."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)

    def stop(self):
        self.process.kill()
