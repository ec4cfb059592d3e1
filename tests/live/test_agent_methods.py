#!/usr/bin/env python3
"""Every method through the agent, with its body, between all transports; and credentials that are asked for in a call."""
from harness.agent_world import OUTSIDE, AgentWorld, DOMAIN
from harness.expect import expect, expect_equal
from harness.mixes import MixWorld
from harness.run import live_test, run_tests
from harness.talker import Leg, leg_of

BINARY = bytes(range(256))
PARTS = (b'preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: image/png\r\n'
         b'Content-Transfer-Encoding: binary\r\n\r\n' + BINARY + b'\r\n--b--\r\nepilogue')
PIDF = (b'<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.test">'
        b'<tuple id="t"><status><basic>open</basic></status></tuple></presence>')
DIALOG_INFO = (b'<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" '
               b'entity="sip:bob@example.test"/>')
SUMMARY = b'Messages-Waiting: yes\r\nMessage-Account: sip:alice@example.test\r\nVoice-Message: 2/8 (0/2)\r\n'
BODIES = [('PUBLISH', ['Event: presence', 'Expires: 600', 'SIP-If-Match: e7'], 'application/pidf+xml', PIDF),
          ('MESSAGE', [], 'application/octet-stream', BINARY),
          ('MESSAGE', ['Content-Language: en'], 'multipart/mixed;boundary="b"', PARTS),
          ('NOTIFY', ['Event: message-summary', 'Subscription-State: active'], 'application/simple-message-summary', SUMMARY),
          ('OPTIONS', ['Accept: application/sdp'], 'text/plain', b'?'),
          ('X-UNHEARD', ['X-Odd:  a ,b'], 'text/x; a="b"', b'\n\r\n\r')]


def expect_body(message, kind, body):
    expect_equal(f'the type of {message.kind}', message.header('Content-Type'), kind)
    expect(message.body == body, f'its {len(body)} bytes')


@live_test(AgentWorld)
def bodies_pass(world):
    """AGENT-4: requests outside calls, each way, with a body there and one in the answer, byte for byte."""
    for method, headers, kind, body in BODIES:
        typed = [*headers, f'Content-Type: {kind}']
        near = world.leg(world.pbx)
        near.request(method, typed, body=body)
        out = world.server.expect(method)
        expect_body(out, kind, body)
        expect_equal('its headers', [out.header(line.partition(':')[0]) for line in headers],
                     [line.partition(':')[2].strip() for line in headers])
        world.server.answer(out, '202 Taken', ['Content-Type: text/plain', 'SIP-ETag: 5'], 'far', body=BINARY)
        expect_body(world.pbx.expect(f'202 {method}'), 'text/plain', BINARY)

        far = Leg(world.server, OUTSIDE, f'<sip:bob@{DOMAIN}>;tag=b', f'<sip:alice@{DOMAIN}>', f'{near.call_id}back',
                  target=f'sip:alice@{OUTSIDE}')
        far.request(method, typed, body=body)
        came = world.pbx.expect(method)
        expect_body(came, kind, body)
        world.pbx.answer(came, '200 OK', ['Content-Type: text/plain'], 'near', body=BINARY)
        expect_body(world.server.expect(f'200 {method}'), 'text/plain', BINARY)
    world.expect_quiet()


def subscribes(world, package, expires_s, *, leg=None):
    """The PBX subscribes, or refreshes LEG."""
    near = leg or world.leg(world.pbx)
    near.request('SUBSCRIBE', [near.contact(), f'Event: {package}', f'Expires: {expires_s}', 'Accept: x/y'])
    subscribe = world.server.expect('SUBSCRIBE')
    far = leg or world.leg_of(subscribe, 'notifier')
    world.server.answer(subscribe, '200 OK', [f'Contact: <sip:bob@{world.server.address}>', f'Expires: {expires_s}'], 'notifier')
    near.learn(world.pbx.expect('200 SUBSCRIBE'))
    return near, far


def notifies(world, asker, answerer, leg, *, state, package, kind, body):
    leg.request('NOTIFY', [leg.contact(), f'Event: {package}', f'Subscription-State: {state}', f'Content-Type: {kind}'],
                body=body)
    notify = answerer.expect('NOTIFY')
    expect_body(notify, kind, body)
    expect_equal('its state', notify.header('Subscription-State'), state)
    answerer.answer(notify, '200 OK')
    asker.expect('200 NOTIFY')


@live_test(AgentWorld)
def subscriptions_pass(world):
    """AGENT-4, AGENT-12 (part): BLF and MWI from inside, and one of the far end to the PBX: refreshed, and gone from the
    ledger when the last NOTIFY was answered (RFC 6665 4.4.1), or soon after the server forgot to send it."""
    for package, kind, body in (('dialog', 'application/dialog-info+xml', DIALOG_INFO),
                                ('message-summary', 'application/simple-message-summary', SUMMARY)):
        near, far = subscribes(world, package, 600)
        for state in 'active;expires=600', 'active;expires=599':
            notifies(world, world.server, world.pbx, far, state=state, package=package, kind=kind, body=body)
        subscribes(world, package, 600, leg=near)
        subscribes(world, package, 0, leg=near)
        expect_equal('subscriptions', world.inside()['subscription_count'], 1)
        notifies(world, world.server, world.pbx, far, state='terminated;reason=timeout', package=package, kind=kind,
                 body=body)
        expect_equal('subscriptions', world.inside()['subscription_count'], 0)

    far = Leg(world.server, OUTSIDE, f'<sip:bob@{DOMAIN}>;tag=w', f'<sip:alice@{DOMAIN}>', 'watcher',
              target=f'sip:alice@{OUTSIDE}')
    far.request('SUBSCRIBE', [far.contact(), 'Event: presence', 'Expires: 0'])
    subscribe = world.pbx.expect('SUBSCRIBE')
    near = leg_of(world.pbx, subscribe, 'p')
    world.pbx.answer(subscribe, '200 OK', [near.contact(), 'Expires: 0'], 'p')
    world.server.expect('200 SUBSCRIBE')
    notifies(world, world.pbx, world.server, near, state='terminated;reason=timeout', package='presence',
             kind='application/pidf+xml', body=PIDF)
    world.expect_quiet()


@live_test(AgentWorld)
def credentials_are_asked_for_in_a_call(world):
    """AGENT-4, AGENT-9: of a re-INVITE, UPDATE, REFER, INFO and BYE, by 407 and by 401: answered with the line's; the numbers
    outside go on, the endpoint's are its own; and a wrong answer is told inside."""
    near, far = world.call_out(world.pbx)
    number, ahead = near.number, 0
    for status, prefix, method in ('407', 'Proxy-', 'INVITE'), ('401', '', 'UPDATE'), ('407', 'Proxy-', 'REFER'), ('401', '', 'INFO'):
        near.request(method, [near.contact(), 'Refer-To: <sip:carol@example.test>'], body=BINARY)
        if method == 'INVITE':
            world.pbx.expect('100 INVITE')
        number += 1
        first = world.server.expect(method)
        expect_equal(f'the number of {method}', first.cseq, number + ahead)
        world.server.answer(first, f'{status} Prove', [f'{prefix or "WWW-"}Authenticate: Digest realm="r", nonce="{method}", qop="auth"'])
        if method == 'INVITE':
            expect_equal('the number of the ACK of the 407', world.server.expect('ACK').cseq, number + ahead)
        ahead += 1
        proven = world.server.expect(method)
        expect_equal('and of its repeat', proven.cseq, number + ahead)
        expect(f'nonce="{method}"' in proven.header(f'{prefix}Authorization'), 'with credentials')
        expect(proven.body == BINARY, 'and its body')
        world.server.answer(proven, '200 OK', [far.contact()])
        expect_equal('its number inside', world.pbx.expect(f'200 {method}').cseq, near.number)
        if method == 'INVITE':
            near.request('ACK', number=near.number)
            expect_equal('the number of the ACK', world.server.expect('ACK').cseq, number + ahead)
    for times in range(2):
        if not times:
            near.request('INFO')
        last = world.server.expect('INFO')
        world.server.answer(last, '401 No', [f'WWW-Authenticate: Digest realm="r", nonce="{times}", qop="auth"'])
    world.pbx.expect('401 INFO')
    near.request('BYE')
    bye = world.server.expect('BYE')
    expect(bye.cseq > last.cseq, 'the numbers go on')
    world.server.answer(bye, '407 Prove', ['Proxy-Authenticate: Digest realm="r", nonce="bye", qop="auth"'])
    again = world.server.expect_and_answer('BYE')
    expect_equal('the number of the BYE', again.cseq, bye.cseq + 1)
    world.pbx.expect('200 BYE')
    world.expect_quiet()


# ---- transports ----

LARGE = b'v=0\r\n' + b'a=x\r\n' * 800


def talks(world, asker, answerer, leg, other):
    """What happens in a call: a re-INVITE, a large MESSAGE, INFO."""
    leg.request('INVITE', [leg.contact()])
    again = answerer.expect_kinds('INVITE')['INVITE']
    answerer.answer(again, '200 OK', [other.contact()])
    asker.expect_kinds('100 INVITE', '200 INVITE')
    leg.request('ACK', number=leg.number)
    answerer.expect('ACK')
    leg.request('MESSAGE', ['Content-Type: text/plain'], body=LARGE)
    message = answerer.expect('MESSAGE')
    expect(message.body == LARGE, 'a large body passes')
    answerer.answer(message, '200 OK')
    asker.expect('200 MESSAGE')


def passes_between_transports(world):
    """The endpoint registers, calls, is called, and each side hangs up once."""
    desk, server = world.desk, world.server
    expect_equal('registered', world.register(desk, 'desk').kind, '200 REGISTER')
    near = world.leg(desk)
    world.ask_proven(near, 'INVITE', [near.contact()])
    desk.expect('100 INVITE')
    invite = server.expect('INVITE')
    expect_equal('the transport outside', invite.header('Via').split()[0], f'SIP/2.0/{server.protocol}')
    far = world.leg_of(invite, 'far')
    server.answer(invite, '200 OK', [far.contact()], 'far')
    near.learn(desk.expect('200 INVITE'))
    near.request('ACK', number=near.number)
    server.expect('ACK')
    talks(world, desk, server, near, far)
    talks(world, server, desk, far, near)
    near.request('BYE')
    server.expect_and_answer('BYE')
    desk.expect('200 BYE')

    far = world.invite_in()
    ring = desk.expect('INVITE')
    expect_equal('the transport inside', ring.header('Via').split()[0], f'SIP/2.0/{desk.protocol}')
    near = leg_of(desk, ring, 'near')
    desk.answer(ring, '200 OK', [near.contact()], 'near')
    answered = server.expect('200 INVITE')
    far.remote, far.target = answered.header('To'), answered.uri('Contact')
    far.request('ACK', number=far.number)
    desk.expect('ACK')
    talks(world, desk, server, near, far)
    far.request('BYE')
    desk.expect_and_answer('BYE')
    server.expect('200 BYE')
    world.expect_quiet()


@live_test(MixWorld, inside='tcp', outside='udp')
def tcp_inside(world):
    """AGENT-1: TCP inside, UDP outside."""
    passes_between_transports(world)


@live_test(MixWorld, inside='tls', outside='udp')
def tls_inside(world):
    """AGENT-1, AGENT-10 (part): TLS inside, UDP outside."""
    passes_between_transports(world)


@live_test(MixWorld, inside='udp', outside='tls')
def tls_outside(world):
    """AGENT-1, FAIL-18 (part): UDP inside, TLS outside; the server's Contact has its address, its certificate the name."""
    passes_between_transports(world)


@live_test(MixWorld, inside='tcp', outside='tls')
def tcp_inside_and_tls_outside(world):
    """AGENT-1, FAIL-18 (part): TCP inside, TLS outside; the server's Contact has its name, which no DNS server knows."""
    world.server.place = 's1.test:5061;transport=tls'
    passes_between_transports(world)


@live_test(MixWorld, inside='tls', outside='tcp')
def tls_inside_and_tcp_outside(world):
    """AGENT-1: TLS inside, TCP outside."""
    passes_between_transports(world)


DESCRIPTION = ('v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n'
               'a=rtcp:6001 IN IP4 {0}\r\n')
PART = '--b\r\nContent-Type: application/sdp\r\n\r\n{}--b\r\nContent-Type: text/plain\r\n\r\n127.0.0.1\r\n--b--\r\n'


@live_test(MixWorld, hosts=('192.0.2.5', '198.51.100.1', '192.0.2.60'))
def addresses_of_their_own(world):
    """AGENT-10, AGENT-11: neither side is on loopback: a loopback address for media becomes the line's, in parts of a body
    too, and outward alone; sips: reaches nobody over UDP."""
    passes_between_transports(world)
    for kind, body in ('application/sdp', '{}'), ('multipart/mixed;boundary=b', PART):
        said, wanted = (body.format(DESCRIPTION.format(host)).encode() for host in ('127.0.0.1', '198.51.100.1'))
        near = world.leg(world.desk)
        world.ask_proven(near, 'INVITE', [near.contact(), f'Content-Type: {kind}'], said)
        world.desk.expect('100 INVITE')
        invite = world.server.expect('INVITE')
        expect_equal(f'{kind} outside', invite.body, wanted)
        world.server.answer(invite, '486 Busy', [f'Content-Type: {kind}'], 'far', body=said)
        world.server.expect('ACK')
        expect_equal(f'{kind} inside', world.desk.expect('486 INVITE').body, said)
    secure = Leg(world.server, world.outside_hop, f'<sip:bob@{DOMAIN}>;tag=b', f'<sip:alice@{DOMAIN}>', 'secure',
                 target=f'sips:alice@{world.outside_host}:5070')
    secure.request('MESSAGE')
    world.server.expect('480 MESSAGE')
    world.desk.expect_nothing()


if __name__ == '__main__':
    run_tests()
