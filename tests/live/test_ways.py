#!/usr/bin/env python3
"""Ways that requests take, against Kamailio: by the route that a registration was told, and over IPv6 alone."""
import ipaddress
import subprocess

from harness.audio import hears
from harness.expect import expect, expect_equal
from harness.names import ADDRESS, DOMAIN, Names
from harness.packets import PacketLog
from harness.phone import Phone
from harness.registrar import Registrar
from harness.run import live_test, run_tests
from harness.waiting import wait_for
from harness.world import PHONE_ADDRESS, World

MTU, MARGIN = 900, 200
DNS_SERVER = f'{ADDRESS}:53'
SERVER, ALICE, BOB = 'fd00::1', 'fd00::a', 'fd00::b'
RECORDS_6 = f'_sip._udp SRV 10 0 5060 sbc1\nsbc1 AAAA {SERVER}\n'


@live_test(service_route=True)
def service_route(world):
    """REG-7 (part), RFC 3608 5: calls go by the Service-Route of the registration, without which this server refuses them;
    what is said inside them goes by their own. After a failover it is the next server's."""
    phone = world.registered_phone({'reg.1.server.1.failOver.reRegisterOn': 1})
    for server, before in (world.sbc1, None), (world.sbc2, world.sbc1):
        if before:
            before.freeze()
        call = phone.call()
        world.wait_call_up(server, within_s=15)
        expect_equal('Route of the INVITE', world.sent('INVITE', server)[-1].header('Route'), f'<sip:home@{server.route};lr>')
        call.hang_up()
        bye = world.wait_sent('BYE', server)[-1]
        expect('home@' not in bye.header('Route'), "the BYE goes by the call's own route")
        expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('Routes of REGISTERs', [sent.header('Route') for sent in world.sent('REGISTER') if sent.header('Route')], [])


def call_on_a_narrow_path(world):
    """A phone of our own profile, where datagrams have MTU bytes; what it sent for a call to its end."""
    subprocess.run(['ip', 'link', 'set', 'lo', 'mtu', str(MTU)], check=True)
    phone = world.registered_phone(options=['--profile', 'keepline'])
    call = phone.call()
    world.log.wait_one('ACK at the callee', method='ACK', target=world.callees[0].address)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('exit status of the phone', phone.leave(), 0)
    return world.log.find(source=PHONE_ADDRESS, where=lambda packet: packet.is_sip and packet.status is None)


@live_test(streams=True)
def large_over_tcp(world):
    """RFC 3261 18.1.1: within 200 bytes of the path's MTU a request goes over TCP, to the place of its UDP route; what is
    smaller is a datagram still."""
    sent = call_on_a_narrow_path(world)
    invite = next(packet for packet in sent if packet.method == 'INVITE')
    expect(len(invite.payload) > MTU - MARGIN, 'the INVITE is large')
    expect(invite.header('Via').startswith('SIP/2.0/TCP '), 'it goes over TCP')
    expect_equal('the first to go by UDP', sent[0].header('Via').split()[0], 'SIP/2.0/UDP')
    large = [packet.first_line for packet in sent if packet.header('Via').startswith('SIP/2.0/UDP ')
             and packet.method != 'ACK' and len(packet.payload) > MTU - MARGIN]
    expect_equal('large datagrams', large, [])


@live_test()
def large_without_tcp(world):
    """RFC 3261 18.1.1: where the server refuses TCP the same request goes as a datagram, in fragments, at once: that is no
    failure of the route."""
    sent = call_on_a_narrow_path(world)
    invites = [packet for packet in sent if packet.method == 'INVITE']
    expect(len(world.log.find(target=world.sbc1.address, where=lambda packet: packet.connects)) > 0, 'TCP was tried')
    expect_equal('INVITEs', [packet.header('Via').split()[0] for packet in invites], ['SIP/2.0/UDP'])
    expect_equal('to', {packet.target for packet in invites}, {world.sbc1.route})


class World6(World):
    """A server and two phones that have IPv6 addresses alone; the log sees what goes by IPv4."""

    def __init__(self, folder):
        for address in SERVER, ALICE, BOB:
            subprocess.run(['ip', '-6', 'address', 'add', f'{address}/128', 'dev', 'lo', 'nodad'], check=True)
        self.folder, self.log, self.callees, self.phones = folder, PacketLog(), [], []
        self.names = Names(folder, RECORDS_6)
        self.registrars = [Registrar('sbc1', SERVER, folder, None)]

    def phone_of(self, user, address, options=()):
        """A phone at ADDRESS, registered."""
        phone = Phone(self.folder, {'reg.1.address': user, 'reg.1.auth.userId': user}, user, options, f'[{address}]:5070')
        self.phones.append(phone)
        phone.start()
        entry = phone.wait_state('registered')
        expect_equal('the address of its route', ipaddress.ip_address(entry['route'].split('[')[1].split(']')[0]),
                     ipaddress.ip_address(SERVER))
        return phone


@live_test(World6)
def call_over_ipv6(world):
    """DNS-6 (part), CALL-1 (part), CALL-3 (part): two phones register over IPv6, by AAAA records, and hear each other over
    IPv6, through a registrar that has it alone; no SIP and no audio goes by IPv4."""
    native = world.folder / 'alice.yaml'
    native.write_text('lines:\n  - line: 1\n    calls: {incoming: answer, tone: 440}\n')
    alice = world.phone_of('alice', ALICE, [native])
    bob = world.phone_of('bob', BOB)
    contacts = sorted(world.registrars[0].contacts())
    expect_equal('contacts', [part.split('>')[0] for part in contacts],
                 [f'sip:{user}@[{address}]:5070' for user, address in (('alice', ALICE), ('bob', BOB))])
    heard = world.folder / 'heard.wav'
    call = bob.call(f'sip:alice@{DOMAIN}', ['--record', heard, '--tone', '600'])
    wait_for(lambda: hears(heard, 440), 'the tone of the phone that was called is heard', within_s=15)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('exit status of the phones', [alice.leave(), bob.leave()], [0, 0])
    expect_equal('contacts', world.registrars[0].contacts(), [])
    by_ipv4 = world.log.find(where=lambda packet: DNS_SERVER not in (packet.source, packet.target))
    expect_equal('packets by IPv4, but for the DNS', by_ipv4, [])


if __name__ == '__main__':
    run_tests()
