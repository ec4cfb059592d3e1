#!/usr/bin/env python3
"""Asterisk and FreeSWITCH behind the agent, as far as they can be without being there: SIPp writes what they write, in both
directions, and a carrier's server answers; all that one end says reaches the other byte for byte."""
from harness.dialects import (ASTERISK, ASTERISK_ALLOW, ASTERISK_SUPPORTED, CARRIER, CARRIER_ROUTE, DOMAIN, FREESWITCH,
                              FREESWITCH_ALLOW, FREESWITCH_EVENTS, FREESWITCH_SUPPORTED, NUMBER, Player, Side)
from harness.expect import expect, expect_equal
from harness.packets import PacketLog
from harness.phone import Phone
from harness.run import live_test, run_tests
from harness.waiting import udp_is_bound, wait_for

OUTSIDE, INSIDE, SERVER, PBX = '127.0.0.1:5070', '127.0.0.2:5070', '127.0.1.1', '127.0.4.1'
PASSWORD, TRUNK_PASSWORD = 'inside-battery', 'outside-staple'
FILE = f'''local: {OUTSIDE}
policy: {{probe: 0}}
lines:
  - {{user: alice, domain: {DOMAIN}, password: {TRUNK_PASSWORD},
      servers: [{{name: {SERVER}, port: 5060, transport: udp, registers: false}}]}}
inside:
  listen: {INSIDE}
  endpoints:
    - {{user: pbx, password: {PASSWORD}}}
'''
PROOF = {'user': 'pbx', 'password': PASSWORD}
ALICE, CALLED = f'"Alice B." <sip:alice@{DOMAIN}>', f'<sip:{NUMBER}@{DOMAIN}>'
CHALLENGE = 'Digest realm="carrier",nonce="{}",qop="auth",algorithm=MD5'
SDP, TIMER = 'application/sdp', 'Session-Expires: 1800;refresher=uac'
# What is the agent's own on either side (AGENT-3, AGENT-4).
OWN = {'via', 'route', 'record-route', 'cseq', 'rack', 'max-forwards', 'authorization', 'proxy-authorization'}


class DialectWorld:
    """A line at a carrier, which does not register there, with one PBX behind it."""

    def __init__(self, folder):
        self.folder, self.log = folder, PacketLog()
        native = folder / 'trunk.yaml'
        native.write_text(FILE)
        native.chmod(0o600)
        self.phone = Phone(folder, options=[native])
        self.phone.process.command.remove(str(self.phone.file))
        self.players = []

    def __enter__(self):
        self.log.start()
        self.phone.start()
        for listener in OUTSIDE, INSIDE:
            address, _, port = listener.partition(':')
            wait_for(lambda where=(address, int(port)): udp_is_bound(*where), f'{listener} listens')
        return self

    def __exit__(self, *_):
        for player in self.players:
            player.process.kill()
        self.phone.stop()
        self.log.stop()

    def expect_no_crash(self):
        expect(self.phone.process.running, 'it runs')

    def play(self, name, side, address, *options):
        player = Player(name, side, address, self.folder, *options)
        self.players.append(player)
        player.start()
        return player

    def play_pbx(self, name, side, *options):
        return self.play(name, side, PBX, INSIDE, *options)

    def kept_lines(self, packet):
        """The lines of a message that are none of the agent's, and its body."""
        own = OWN | ({'contact'} if packet.source.startswith(PBX) or packet.target.startswith(SERVER) else set())
        lines = [line for line in packet.head[1:] if line.partition(':')[0].lower() not in own]
        return lines, packet.payload.partition(b'\r\n\r\n')[2]

    def expect_passed(self):
        """All that one end said reached the other, but for what the agent challenged, asks for or answers by itself."""
        challenged = {(packet.call_id, packet.cseq) for status in (401, 407)
                      for packet in self.log.find(source=INSIDE, status=status)}
        count = 0
        for source, sender, target in (PBX, OUTSIDE, SERVER), (SERVER, INSIDE, PBX):
            came = [(packet.first_line.split()[0], packet.call_id, self.kept_lines(packet))
                    for packet in self.log.find(source=sender, target=target, where=lambda packet: packet.is_sip)]
            for packet in self.log.find(source=source, where=lambda packet: packet.is_sip):
                if (packet.method in ('REGISTER', 'OPTIONS') or packet.status in (100, 401, 407)
                        or (packet.call_id, packet.cseq) in challenged):
                    continue
                said = packet.first_line.split()[0], packet.call_id, self.kept_lines(packet)
                count += 1
                if said not in came:
                    expect_equal(f'{packet.first_line} as it came', [other for other in came if other[0] == said[0]], said)
        print(f'  all {count} messages of the ends passed as they were')
        expect(count > 10, 'there were some')


def registers(world, words, *headers, uri, contact, to=f'<sip:alice@{DOMAIN}>'):
    """The PBX registers, is challenged once, and its Contact stands in the answer; then it asks whether we are there."""
    side = Side(words, to, to, 20122)
    side.ask_proven('REGISTER', *headers, **PROOF, status=401, uri=uri, contact=contact)
    side.get(200)
    side.ask('OPTIONS', uri=uri)
    side.get(407)
    world.play_pbx('registers', side, '-auth_uri', uri.removeprefix('sip:')).expect_done()
    row = world.phone.status()['inside']['endpoints'][0]['contacts']
    expect_equal('the Contact inside', [f'<{entry["contact"]}>' for entry in row],
                 [contact.replace('[local_ip]', PBX).replace('[local_port]', str(words.port))])


ROUTED = f'Record-Route: {CARRIER_ROUTE}'


def challenges(side, method, nonce):
    side.hear(method)
    side.reply('407 Proxy Authentication Required', f'Proxy-Authenticate: {CHALLENGE.format(nonce)}')
    if method == 'INVITE':
        side.hear('ACK')
    side.hear(method)


def carrier_rings(is_reliable):
    """A carrier that challenges an INVITE, and gives early media."""
    side = Side(CARRIER, number=700)
    challenges(side, 'INVITE', 'first')
    side.reply('100 Trying', routes='')
    early = ['Require: 100rel', 'RSeq: 7001'] if is_reliable else []
    side.reply('183 Session Progress', *early, 'P-Early-Media: sendrecv', body=(SDP, CARRIER.description()), routes=ROUTED)
    if is_reliable:
        side.hear('PRACK')
        side.reply('200 OK')
    side.reply('200 OK', TIMER, 'Require: timer', body=(SDP, CARRIER.description()), routes=ROUTED, to_invite=True)
    side.hear('ACK')
    return side


def carrier_is_left(side):
    """A REFER, which it challenges, ends its call: it tells how the transfer went, and hangs up."""
    challenges(side, 'REFER', 'third')
    side.reply('202 Accepted')
    side.ask('NOTIFY', 'Event: refer', 'Subscription-State: terminated;reason=noresource',
             body=('message/sipfrag;version=2.0', 'SIP/2.0 200 OK\n'))
    side.get(200)
    side.ask('BYE', 'Reason: Q.850;cause=16')
    side.get(200)


def is_left(side, *headers):
    side.ask('REFER', f'Refer-To: <sip:carol@{DOMAIN}>', *headers)
    side.get(202)
    side.hear('NOTIFY')
    side.reply('200 OK')
    side.hear('BYE')
    side.reply('200 OK')


def asks_again(side, body, *headers):
    """A re-INVITE."""
    side.ask('INVITE', *headers, body=(SDP, body))
    side.get(200)
    side.ask('ACK')


def goes_on(side, *methods):
    for method in methods:
        side.hear(method)
        answer = {'INVITE': (SDP, side.words.description(version=2))}.get(method)
        side.reply('200 OK', *([TIMER] if method != 'INFO' else []), body=answer)
        if method == 'INVITE':
            side.hear('ACK')


def expect_credentials(world, method):
    """What the carrier took of METHOD had the line's credentials, and the PBX's own never got there; numbers grow."""
    asked = world.log.find(source=OUTSIDE, method=method, target=SERVER)
    taken = [packet.cseq for packet in world.log.find(source=SERVER, method=method, status=202 if method == 'REFER' else 200)]
    proven = [packet.cseq for packet in asked if 'realm="carrier"' in packet.header('Proxy-Authorization')]
    expect(taken and set(taken) <= set(proven), f'{method} has the credentials of the line where it was taken')
    expect(not any('username="pbx"' in line for packet in asked for line in packet.head), 'never those of the PBX')
    numbers = [packet.cseq for packet in asked]
    expect_equal(f'the numbers of {method} outside', numbers, sorted(numbers))


def expect_routed(world):
    """What went out in the call went by the carrier's route set."""
    inside = [packet for packet in world.log.find(source=OUTSIDE, target=SERVER)
              if packet.status is None and ';tag=' in packet.header('To') and packet.header('Route')]
    expect({packet.method for packet in inside} >= {'ACK', 'INVITE', 'INFO'}, 'requests in the call have a Route')
    routes = {packet.header('Route') for packet in inside}
    expect_equal('which is', routes, {CARRIER_ROUTE.replace('[local_ip]', SERVER).replace('[local_port]', '5060')})


# ---- Asterisk ----

ASTERISK_CONTACT = '<sip:s@[local_ip]:[local_port];line=xqmwbpd>'
ASTERISK_OFFERS = (ASTERISK_ALLOW, ASTERISK_SUPPORTED, 'Session-Expires: 1800', 'Min-SE: 90',
                   f'P-Asserted-Identity: {ALICE}', 'X-Asterisk-Account:  42 ; "quoted, so"')
ROUTE = f'Route: <sip:{INSIDE};lr>'


@live_test(DialectWorld)
def asterisk_calls(world):
    """AGENT-3, AGENT-4, AGENT-9 (part): it registers with its line= Contact, calls with 100rel and session timers, moves the
    media, refreshes, sends digits and refers; the carrier asks for credentials at the start and in the call."""
    registers(world, ASTERISK, ASTERISK_ALLOW, 'Expires: 3600', uri=f'sip:{DOMAIN}', contact=ASTERISK_CONTACT)
    outside = carrier_rings(is_reliable=True)
    challenges(outside, 'INVITE', 'second')
    outside.reply('200 OK', TIMER, body=(SDP, CARRIER.description(version=2)))
    outside.hear('ACK')
    goes_on(outside, 'UPDATE', 'INFO')
    carrier_is_left(outside)

    side = Side(ASTERISK, ALICE, CALLED, 18210)
    side.ask_proven('INVITE', ROUTE, *ASTERISK_OFFERS, **PROOF, uri=f'sip:{NUMBER}@{DOMAIN}',
                    body=(SDP, ASTERISK.description()))
    side.get(183, is_reliable=True)
    side.ask('PRACK', f'RAck: [$rseq] {side.invite_number} INVITE')
    side.get(200)
    side.get(200)
    side.ask('ACK')
    asks_again(side, ASTERISK.description('192.0.2.77', 2), ASTERISK_SUPPORTED, TIMER, 'Min-SE: 90')
    side.ask('UPDATE', ASTERISK_SUPPORTED, TIMER, 'Min-SE: 90', f'P-Asserted-Identity: {ALICE}')
    side.get(200)
    side.ask('INFO', body=('application/dtmf-relay', 'Signal=5\nDuration=160\n'))
    side.get(200)
    is_left(side, f'Referred-By: <sip:alice@{DOMAIN}>')
    callee = world.play('carrier', outside, SERVER)
    caller = world.play_pbx('asterisk', side, '-auth_uri', f'{NUMBER}@{DOMAIN}')
    caller.expect_done()
    callee.expect_done()
    expect_credentials(world, 'INVITE')
    expect_credentials(world, 'REFER')
    expect_routed(world)
    prack = world.log.find(source=OUTSIDE, method='PRACK')[0]
    invites = world.log.find(source=OUTSIDE, method='INVITE')
    expect_equal('RAck outside', prack.header('RAck'), f'7001 {invites[1].cseq} INVITE')
    world.expect_passed()


def carrier_calls(*methods):
    """A call of the carrier, through a proxy of its own, which refreshes it and hears METHODS in it."""
    side = Side(CARRIER, f'"Bob" <sip:{NUMBER}@{DOMAIN};user=phone>', f'<sip:alice@{DOMAIN}>', 41)
    side.ask('INVITE', ROUTED, 'Session-Expires: 1800', 'Min-SE: 90', 'P-Asserted-Identity: <tel:+4930123456>',
             'Diversion: <sip:0@carrier>;reason=unknown', uri=f'sip:alice@{OUTSIDE};x=y', body=(SDP, CARRIER.description()))
    side.get(183)
    side.get(200)
    side.ask('ACK')
    side.ask('UPDATE', TIMER, 'Min-SE: 90')
    side.get(200)
    goes_on(side, *methods)
    side.ask('OPTIONS')
    side.get(200)
    side.hear('BYE')
    side.reply('200 OK')
    return side


def is_called(world, words, side, registered):
    """The PBX plays SIDE, and its Contact is asked for as it registered."""
    callee = world.play_pbx('pbx', side)
    caller = world.play('carrier', world.carrier, SERVER, OUTSIDE)
    caller.expect_done()
    callee.expect_done()
    invite = world.log.find(source=INSIDE, method='INVITE')[0]
    expect_equal('the request URI inside', invite.first_line.split()[1], registered)
    expect_equal('Routes inside', invite.header('Route'), '')
    expect_equal('where it went', invite.target, f'{PBX}:{words.port}')
    expect_routed(world)
    world.expect_passed()


@live_test(DialectWorld)
def asterisk_is_called(world):
    """AGENT-3, AGENT-4 (part): at the Contact by which it knows its trunk; early media, session timers, direct media, INFO,
    and a BYE with a Reason."""
    registers(world, ASTERISK, ASTERISK_ALLOW, 'Expires: 3600', uri=f'sip:{DOMAIN}', contact=ASTERISK_CONTACT)
    offers = ASTERISK_ALLOW, ASTERISK_SUPPORTED, f'P-Asserted-Identity: {ALICE}'
    side = Side(ASTERISK, number=5000)
    side.hear('INVITE')
    side.reply('100 Trying')
    side.reply('183 Session Progress', *offers, body=(SDP, ASTERISK.description()))
    side.reply('200 OK', *offers, TIMER, 'Require: timer', body=(SDP, ASTERISK.description()))
    side.hear('ACK')
    goes_on(side, 'UPDATE')
    asks_again(side, ASTERISK.description('192.0.2.77', 2), ASTERISK_SUPPORTED, TIMER, 'Min-SE: 90')
    side.ask('INFO', body=('application/dtmf-relay', 'Signal=#\nDuration=250\n'))
    side.get(200)
    side.hear('OPTIONS')
    side.reply('200 OK', *offers)
    side.ask('BYE', 'Reason: Q.850;cause=16')
    side.get(200)
    world.carrier = carrier_calls('INVITE', 'INFO')
    is_called(world, ASTERISK, side, f'sip:s@{PBX}:5060;line=xqmwbpd')


# ---- FreeSWITCH ----

GATEWAY = 'sip:gw+keepline@{}:5080;transport=udp;gw=keepline'
REMOTE_PARTY = f'Remote-Party-ID: {ALICE};party=calling;screen=yes;privacy=off'
FREESWITCH_OFFERS = FREESWITCH_ALLOW, FREESWITCH_SUPPORTED, FREESWITCH_EVENTS
DISPLAY = 'message/update_display', 'From:\nTo: "Bob" +4930123456\n'


@live_test(DialectWorld)
def freeswitch_calls(world):
    """AGENT-3, AGENT-4, AGENT-9 (part): its gateway registers, and calls with a transport in each URI; hold and back, the
    display by UPDATE and INFO, a transfer."""
    registers(world, FREESWITCH, *FREESWITCH_OFFERS[:2], 'Expires: 600', uri=f'sip:{DOMAIN};transport=udp',
              contact=FREESWITCH.contact)
    outside = carrier_rings(is_reliable=False)
    challenges(outside, 'INVITE', 'second')
    outside.reply('200 OK', TIMER, body=(SDP, CARRIER.description(version=2, direction='recvonly')))
    outside.hear('ACK')
    goes_on(outside, 'INVITE', 'UPDATE', 'INFO')
    carrier_is_left(outside)

    side = Side(FREESWITCH, ALICE, CALLED, 10144943)
    side.ask_proven('INVITE', *FREESWITCH_OFFERS, 'Session-Expires: 1800;refresher=uac', 'Min-SE: 120',
                    'Content-Disposition: session', 'X-FS-Support: update_display,send_info', REMOTE_PARTY, **PROOF,
                    uri=f'sip:{NUMBER}@{DOMAIN};transport=udp', body=(SDP, FREESWITCH.description()))
    side.get(183)
    side.get(200)
    side.ask('ACK')
    for version, direction in (2, 'sendonly'), (3, 'sendrecv'):
        asks_again(side, FREESWITCH.description(version=version, direction=direction), *FREESWITCH_OFFERS, TIMER,
                   'Min-SE: 120', 'Content-Disposition: session', 'X-FS-Support: update_display,send_info')
    side.ask('UPDATE', *FREESWITCH_OFFERS, TIMER, 'Min-SE: 120', 'X-FS-Display-Name: Bob', f'X-FS-Display-Number: {NUMBER}')
    side.get(200)
    side.ask('INFO', *FREESWITCH_OFFERS, body=DISPLAY)
    side.get(200)
    is_left(side, f'Referred-By: <{GATEWAY.format("[local_ip]")}>', *FREESWITCH_OFFERS)
    callee = world.play('carrier', outside, SERVER)
    caller = world.play_pbx('freeswitch', side, '-auth_uri', f'{NUMBER}@{DOMAIN};transport=udp')
    caller.expect_done()
    callee.expect_done()
    for method in 'INVITE', 'REFER':
        expect_credentials(world, method)
    expect_routed(world)
    world.expect_passed()


@live_test(DialectWorld)
def freeswitch_is_called(world):
    """AGENT-3, AGENT-4 (part): at the Contact by which it knows its gateway, whose parameters are all there."""
    registers(world, FREESWITCH, *FREESWITCH_OFFERS[:2], 'Expires: 600', uri=f'sip:{DOMAIN};transport=udp',
              contact=FREESWITCH.contact)
    side = Side(FREESWITCH, number=73215801)
    side.hear('INVITE')
    side.reply('100 Trying')
    side.reply('183 Session Progress', *FREESWITCH_OFFERS, 'Content-Disposition: session', REMOTE_PARTY,
               body=(SDP, FREESWITCH.description()))
    side.reply('200 OK', *FREESWITCH_OFFERS, 'Require: timer', 'Session-Expires: 1800;refresher=uas',
               'Content-Disposition: session', REMOTE_PARTY, body=(SDP, FREESWITCH.description()))
    side.hear('ACK')
    goes_on(side, 'UPDATE')
    asks_again(side, FREESWITCH.description(version=2, direction='sendonly'), *FREESWITCH_OFFERS, TIMER)
    side.ask('INFO', *FREESWITCH_OFFERS, body=DISPLAY)
    side.get(200)
    side.hear('OPTIONS')
    side.reply('200 OK', *FREESWITCH_OFFERS)
    side.ask('BYE', *FREESWITCH_OFFERS, 'Reason: Q.850;cause=16;text="NORMAL_CLEARING"')
    side.get(200)
    world.carrier = carrier_calls('INVITE', 'INFO')
    is_called(world, FREESWITCH, side, GATEWAY.format(PBX))


if __name__ == '__main__':
    run_tests()
