"""All that one test needs: names, three registrars, their callees, a packet log, and phones."""
import math

from .callee import Callee
from .names import Names, srv_records
from .packets import PacketLog
from .phone import Phone
from .registrar import Registrar
from .waiting import PATIENCE_S, Failure

SERVERS = {'sbc1': '127.0.1.1', 'sbc2': '127.0.1.2', 'sbc3': '127.0.1.3'}
PHONE_ADDRESS = '127.0.0.1'


class World:
    """RECORDS replace the zone's SRV records; the other options are Registrar's. Use it in a `with` statement."""

    def __init__(self, folder, records=None, **registrar_options):
        self.folder = folder
        self.log = PacketLog()
        self.names = Names(folder, records or srv_records(SERVERS))
        # Bob has a phone behind each registrar, so that a call which reached two of them rings twice.
        self.callees = [Callee(f'callee{number}', f'127.0.2.{number}', folder)
                        for number, _ in enumerate(SERVERS, 1)]
        self.sbc1, self.sbc2, self.sbc3 = self.registrars = [
            Registrar(name, address, folder, callee, **registrar_options)
            for (name, address), callee in zip(SERVERS.items(), self.callees)]
        self.phones = []

    def __enter__(self):
        self.log.start()
        for part in (self.names, *self.registrars, *self.callees):
            part.start()
        return self

    def __exit__(self, *_):
        for part in (*self.phones, *self.callees, *self.registrars, self.names, self.log):
            part.stop()

    def phone(self, parameters=None, options=()):
        """A new phone, started."""
        phone = Phone(self.folder, parameters, f'phone{len(self.phones) + 1}', options)
        self.phones.append(phone)
        phone.start()
        return phone

    def registered_phone(self, parameters=None, options=()):
        """A new phone, registered at the first server."""
        phone = self.phone(parameters, options)
        phone.wait_state('registered', self.sbc1)
        return phone

    def expect_no_crash(self):
        """Every phone is running, or ended by itself."""
        for phone in self.phones:
            status = phone.process.process.poll()
            if status is not None and status < 0:
                raise Failure(f'{phone.name} was ended by signal {-status}')

    def sent(self, method, registrar=None, since_ms=0, until_ms=math.inf):
        """The requests of METHOD that phones have sent so far, to one registrar or to all."""
        return self.log.find(method=method, source=PHONE_ADDRESS, target=registrar and registrar.address,
                             since_ms=since_ms, until_ms=until_ms)

    def requests(self, *which, **filters):
        """The first send of each request that sent() has: a slow answer makes the phone repeat one."""
        firsts = {}
        for packet in self.sent(*which, **filters):
            firsts.setdefault(packet.branch, packet)
        return list(firsts.values())

    def wait_sent(self, method, registrar, count=1, since_ms=0, within_s=PATIENCE_S):
        """The first COUNT requests of METHOD that phones send to a registrar."""
        return self.log.wait(f'{count} x {method} to {registrar.name}', count, within_s, method=method,
                             source=PHONE_ADDRESS, target=registrar.address, since_ms=since_ms)

    def wait_answered(self, method, status, registrar, since_ms=0, within_s=PATIENCE_S):
        """The first answer with STATUS to METHOD from a registrar to a phone."""
        return self.log.wait_one(f'{status} to {method} from {registrar.name}', within_s=within_s, method=method,
                                 status=status, source=registrar.address, target=PHONE_ADDRESS, since_ms=since_ms)

    def wait_call_up(self, registrar, since_ms=0, within_s=PATIENCE_S):
        """Until a call through a registrar is up: the phone's ACK has been sent there. The ACK."""
        answered = self.wait_answered('INVITE', 200, registrar, since_ms, within_s)
        return self.wait_sent('ACK', registrar, since_ms=answered.at_ms)[0]
