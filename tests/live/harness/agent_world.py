"""A phone with endpoints behind its line; the test plays them, and the server."""
from .packets import PacketLog
from .phone import Phone
from .talker import Leg, NUMBERS, Talker, prove
from .waiting import Failure, udp_is_bound, wait_for

DOMAIN = 'example.test'
OUTSIDE, INSIDE = '127.0.0.1:5070', '127.0.0.2:5070'
SERVERS = '127.0.1.1:5060', '127.0.1.2:5060'
ENDPOINTS = {'desk': '127.0.2.1:5060', 'soft': '127.0.2.2:5060', 'pbx': '127.0.2.3:5060'}
PASSWORD = 'inside-battery'
SRV_RECORD = '  - {{name: _sip._udp.example.test, type: SRV, priority: {n}, weight: 1, port: 5060, target: s{n}.test}}\n'
A_RECORD = '  - {{name: s{n}.test, type: A, address: 127.0.1.{n}}}\n'
INSIDE_FILE = '''dns:
{records}inside:
  listen: {listen}
  journal: {journal}
  endpoints:
    - {{user: desk, password: {password}}}
    - {{user: soft, password: {password}}}
    - {{user: pbx, address: {pbx}}}
'''


class AgentWorld:
    """Each of so many LINES has SERVER_COUNT servers, 1 or 2. ENDPOINTS that do not register are at their addresses all the
    same."""
    listens, inside_hop, outside_hop = INSIDE, INSIDE, OUTSIDE

    def __init__(self, folder, server_count=1, parameters=None, lines=1):
        self.folder, self.log, self.lines = folder, PacketLog(), lines
        self.servers = self.server, self.second = [Talker(address) for address in SERVERS]
        self.desk, self.soft, self.pbx = (Talker(address) for address in ENDPOINTS.values())
        native = folder / 'inside.yaml'
        records = ''.join(row.format(n=n + 1) for n in range(server_count) for row in (SRV_RECORD, A_RECORD))
        native.write_text(INSIDE_FILE.format(records=records, listen=INSIDE, journal=folder / 'journal',
                                             password=PASSWORD, pbx=ENDPOINTS['pbx']))
        native.chmod(0o600)
        self.phone = Phone(folder, parameters, options=[native])

    def __enter__(self):
        self.log.start()
        self.start_phone()
        return self

    def __exit__(self, *_):
        self.phone.stop()
        for talker in (*self.servers, self.desk, self.soft, self.pbx):
            talker.close()
        self.log.stop()

    def start_phone(self):
        """Once its lines are registered at the first server."""
        self.phone.start()
        for _ in range(self.lines):
            self.grant(self.server)
        wait_for(lambda: udp_is_bound(*self.address_of(self.listens)), 'the inside listens')

    @staticmethod
    def address_of(text):
        host, _, port = text.partition(':')
        return host, int(port)

    @staticmethod
    def grant(server, expires_s=3600):
        register = server.expect('REGISTER')
        server.answer(register, '200 OK', [f'Contact: {register.header("Contact")}', f'Expires: {expires_s}'], 'r')
        return register

    def expect_no_crash(self):
        status = self.phone.process.process.poll()
        if status is not None and status < 0:
            raise Failure(f'{self.phone.name} was ended by signal {-status}')

    def inside(self):
        return self.phone.status()['inside']

    def expect_quiet(self):
        """No dialog is left, and no request."""
        wait_for(lambda: self.inside()['dialogs'] == 0, 'no dialog is left')

    def leg(self, talker, user='bob', call_id=None):
        """A new dialog of an endpoint."""
        return Leg(talker, self.inside_hop, f'<sip:alice@{DOMAIN}>;tag={next(NUMBERS)}t', f'<sip:{user}@{DOMAIN}>',
                   call_id or f'call{next(NUMBERS)}', target=f'sip:{user}@{DOMAIN}')

    def register(self, talker, name, expires_s=3600, password=PASSWORD, user='alice'):
        """Registers an endpoint for USER's line, by digest; the last answer."""
        leg = Leg(talker, self.inside_hop, f'<sip:{user}@{DOMAIN}>;tag={next(NUMBERS)}t', f'<sip:{user}@{DOMAIN}>',
                  f'register{next(NUMBERS)}', target=f'sip:{DOMAIN}')
        headers = [f'Contact: <sip:{name}@{talker.place}>', f'Expires: {expires_s}']
        leg.request('REGISTER', headers)
        challenge = talker.expect('401 REGISTER').header('WWW-Authenticate')
        proof = prove(challenge, 'REGISTER', leg.target, name, password)
        leg.request('REGISTER', [*headers, f'Authorization: {proof}'])
        return talker.next()

    def call_out(self, talker, headers=(), tag='far'):
        """A call of an address that needs no password, answered by the first server: the legs of both sides."""
        near = self.leg(talker)
        near.request('INVITE', [near.contact(), *headers])
        talker.expect('100 INVITE')
        invite = self.server.expect('INVITE')
        far = self.leg_of(invite, tag)
        self.server.answer(invite, '200 OK', [far.contact()], tag)
        near.learn(talker.expect('200 INVITE'))
        near.request('ACK', number=near.number)
        self.server.expect('ACK')
        return near, far

    def leg_of(self, invite, tag, server=None):
        return Leg(server or self.server, invite.source, f'{invite.header("To")};tag={tag}', invite.header('From'),
                   invite.call_id, target=invite.uri('Contact'), number=100)

    def invite_in(self, user='alice'):
        """The server calls the line: its leg, after the INVITE went out."""
        leg = Leg(self.server, self.outside_hop, f'<sip:bob@{DOMAIN}>;tag={next(NUMBERS)}f', f'<sip:{user}@{DOMAIN}>',
                  f'in{next(NUMBERS)}', target=f'sip:{user}@{self.outside_hop}', number=500)
        leg.request('INVITE', [leg.contact()])
        self.server.expect('100 INVITE')
        return leg
