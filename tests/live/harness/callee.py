"""SIPp, which answers every call at once and waits for its end."""
from pathlib import Path

from .waiting import Process, udp_is_bound, wait_for

PORT = 5060
SCENARIO = Path(__file__).resolve().parent.parent / 'peers' / 'callee.xml'


class Callee:
    def __init__(self, name, address, folder):
        self.address, self.route = address, f'{address}:{PORT}'
        self.process = Process(name, ['sipp', '-sf', SCENARIO, '-i', address, '-p', PORT, '-nostdin', '-trace_err',
                                      '-error_file', folder / f'{name}-errors.log'], folder)

    def start(self):
        self.process.start()
        wait_for(lambda: udp_is_bound(self.address, PORT), f'{self.process.name} listens')

    def stop(self):
        self.process.kill()
