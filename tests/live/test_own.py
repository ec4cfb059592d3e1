#!/usr/bin/env python3
"""Our own profile on real sockets: what a call costs when servers fail, beside poly; the measured table of
docs/keepline-profile.md. Three servers behind service records, UDP, a round trip of 20 ms; REGISTERs are challenged."""
from harness import dns
from harness.calls import PLACES, ROUND_TRIP_MS, RUNS, CallWorld, TcpWorld, TlsWorld, measured, respond
from harness.expect import EARLY_MS, LATE_MS, expect, expect_between, expect_equal
from harness.far import FAR, NEAR, SECOND
from harness.names import DOMAIN
from harness.phone import ACCOUNT
from harness.run import live_test, run_tests
from harness.waiting import wait_for

REGISTER_FIRST = {'reg.1.server.1.failOver.reRegisterOn': 1}
PROBE_MS = 10000
THREE_SENDS_MS, SILENCE_MS = 3500, 500
WINDOW_MS = 32000  # 64*T1
SLACK_MS = 2000  # a machine that stands still for a second; what is measured is judged by tests/bench/own_rows.py
STAGGER_MS = 250
UNUSED = '2001:db8::99'  # beyond the wire, and nobody's
EXPIRED_MS = 7000  # records live for 5 s at least


def silence_ms(world, profile, probes=1):
    """What a call costs when the first server has just fallen silent, once it has answered so many probes."""
    phone = world.start_profile(profile, **REGISTER_FIRST)
    if profile == 'keepline':
        since_ms = world.near_log.find(method='REGISTER')[-1].at_ms
        world.near_log.wait('answered probes', probes, 60, source=PLACES[0], method='OPTIONS', status=200, since_ms=since_ms)
    world.places[0].silent = True
    ms = world.call_ms(phone, *world.places[1:])
    least_ms = THREE_SENDS_MS if profile == 'poly' else SILENCE_MS
    expect_between(f'the answer, by {profile}', ms, least_ms, least_ms + 4 * ROUND_TRIP_MS + SLACK_MS)
    world.end(phone)
    return ms


@measured()
def silent_just_now(world, profile):
    """OWN-3 (part), OWN-8 (part): the first server has just fallen silent, and the phone has been up for a second: by poly
    three sends, 3.5 s, and a registration; by our own profile half a second and about three round trips."""
    return silence_ms(world, profile)


@measured()
def silent_challenged(world, profile):
    """OWN-3 (part): the same, and the next server challenges the call: a round trip more."""
    world.places[1].says = {'INVITE': world.places[1].challenge_call}
    return silence_ms(world, profile)


def answered_at_ms(world, phone):
    """When the phone's present route answered last, at the earliest."""
    now_ms = world.near_log.now_ms()
    return now_ms - next(route['answered_ago_ms'] for route in phone.entry()['routes'] if route['current'])


def stream_silence_ms(world, profile):
    """The same over streams, where a request is not sent again: by poly a route is left when its window ends, by our own
    profile once it answers nothing on new connections, either."""
    asked_ms = []
    world.places[0].says = {'OPTIONS': lambda packet: asked_ms.append(world.near_log.now_ms()) or respond(packet, 200)}
    phone = world.start_profile(profile, **REGISTER_FIRST)
    if profile == 'keepline':
        wait_for(lambda: asked_ms and answered_at_ms(world, phone) > asked_ms[0], 'an answered probe', 60)
    world.places[0].silent = True
    ms = world.call_told_ms(phone)
    least_ms = WINDOW_MS if profile == 'poly' else SILENCE_MS
    expect_between(f'the answer, by {profile}', ms, least_ms, least_ms + 6 * ROUND_TRIP_MS + SLACK_MS)
    world.end(phone)
    return ms


STREAM_PROFILES = ['poly', 'keepline'] if RUNS > 1 else ['keepline']  # half a minute by poly


@measured(TcpWorld, STREAM_PROFILES)
def silent_tcp(world, profile):
    """OWN-3 (part): the first server has just fallen silent on its stream, and its machine still takes connections."""
    return stream_silence_ms(world, profile)


@measured(TlsWorld, STREAM_PROFILES)
def silent_tls(world, profile):
    """OWN-3 (part): the same over TLS 1.3."""
    return stream_silence_ms(world, profile)


@measured()
def silent_for_longer(world, profile):
    """OWN-1 (part), OWN-2 (part): the same, after more than a probe's interval: our own profile has moved, and the call
    starts at the next server."""
    phone = world.start_profile(profile, **REGISTER_FIRST)
    world.places[0].silent = True
    world.pass_ms(1.1 * PROBE_MS)
    if profile == 'keepline':
        wait_for(lambda: phone.entry().get('state') == 'registered' and
                 f'{PLACES[0]}:' not in str(phone.entry().get('route')), 'the line elsewhere', 40)
    ms = world.call_ms(phone, *world.places[1:])
    least_ms = THREE_SENDS_MS if profile == 'poly' else ROUND_TRIP_MS
    expect_between(f'the answer, by {profile}', ms, least_ms, least_ms + 4 * ROUND_TRIP_MS + SLACK_MS)
    world.end(phone)
    return ms


@measured()
def port_closed(world, profile):
    """TRIG-1 (part): nobody listens at the first server, and ICMP says so: a registration and the call, at once."""
    phone = world.start_profile(profile, **REGISTER_FIRST)
    world.places[0].close()
    ms = world.call_ms(phone, *world.places[1:])
    expect_between(f'the answer, by {profile}', ms, 4 * ROUND_TRIP_MS, 4 * ROUND_TRIP_MS + SLACK_MS)
    world.end(phone)
    return ms


@measured()
def answers_503(world, profile):
    """TRIG-2 (part): the first server answers 503: the same."""
    phone = world.start_profile(profile, **REGISTER_FIRST)
    world.places[0].says = {'INVITE': 503}
    ms = world.call_ms(phone, *world.places[1:])
    expect_between(f'the answer, by {profile}', ms, 4 * ROUND_TRIP_MS, 4 * ROUND_TRIP_MS + SLACK_MS)
    world.end(phone)
    return ms


def second_line_ms(world, profile, fail):
    """What the call of a second line costs when the first line's has met FAIL(server) already."""
    first = {**ACCOUNT, **REGISTER_FIRST, 'reg.1.server.1.port': 0}
    second = {name.replace('reg.1.', 'reg.2.'): value for name, value in first.items()}
    phone = world.start_profile(profile, **{**first, **second, 'reg.2.address': 'carol'})
    wait_for(lambda: phone.entry(line=2).get('state') == 'registered', 'the second line', 20)
    fail(world.places[0])
    world.call_ms(phone, *world.places[1:])
    heard = len(world.places[0].heard)
    ms = world.call_ms(phone, *world.places[1:], line=2)
    least_ms = ROUND_TRIP_MS
    expect_between(f'the answer, by {profile}', ms, least_ms, least_ms + SLACK_MS)
    if profile == 'keepline':
        expect_equal('INVITEs of the second line to the first server', len(world.places[0].heard), heard)
    world.end(phone)
    return ms


@measured()
def closed_second_line(world, profile):
    """OWN-2 (part): another line's call found the port closed: by poly this one finds it, too."""
    return second_line_ms(world, profile, lambda place: place.close())


@measured()
def answers_503_second_line(world, profile):
    """OWN-2 (part): another line's call met 503: the same."""
    return second_line_ms(world, profile, lambda place: place.says.update(INVITE=503))


@measured()
def dns_dead(world, profile):
    """OWN-4 (part), DNS-16 (part): all DNS servers are silent, and the records have run out: a line of poly that does not
    register before it calls waits for them as long as it may; one of our own profile never does."""
    world.ttl_s = 5
    phone = world.start_profile(profile)
    world.dns_reply = lambda packet: None
    world.pass_ms(EXPIRED_MS)
    ms = world.call_ms(phone, world.places[0])
    invite = world.near_log.find(source=NEAR[4], method='INVITE')[-1]
    if 'INVITE waits' in phone.log():
        ms += invite.at_ms - world.told_ms(phone, 'INVITE waits')
    most_ms = 5000 if profile == 'poly' else 0
    expect_between(f'the answer, by {profile}', ms, ROUND_TRIP_MS, most_ms + ROUND_TRIP_MS + SLACK_MS)
    world.end(phone)
    return ms


@live_test(CallWorld)
def registration_follows(world):
    """OWN-8 (part): servers that share registrations. The call is answered by the second server; there the line registers
    at once."""
    world.policy_file.write_text('policy:\n  register_follows: true\n')
    phone = world.start_profile('poly', policy=world.policy_file)
    world.places[0].silent = True
    world.call_ms(phone, world.places[1])
    call = world.near_log.find(source=PLACES[1], method='INVITE', status=200)[0]
    register = world.near_log.wait_one('REGISTER', target=PLACES[1], method='REGISTER')
    expect_between('REGISTER after the answer', register.at_ms - call.at_ms, 0, LATE_MS)
    phone.wait_state('registered', world.places[1])


@live_test(CallWorld)
def merged_call(world):
    """OWN-8 (part): the first leg of a call did arrive: the second server answers 482. The call is made anew there, with
    another Call-ID and From tag, and is answered."""
    seen = []

    def merge(packet):
        if all(packet.branch != other.branch for other in seen):
            seen.append(packet)
        if packet.call_id == world.places[0].heard[0].call_id:
            return respond(packet, 482)
        return world.places[1].take_call(packet)
    phone = world.start_profile('keepline')
    world.places[0].silent = True
    world.places[1].says = {'INVITE': merge}
    world.call_ms(phone, world.places[1])
    first, anew = seen[:2]
    expect_equal('INVITEs at the second server', len(seen), 2)
    expect(anew.call_id != first.call_id, 'its Call-ID is new')
    expect(anew.header('From') != first.header('From'), 'its From tag is new')
    expect(anew.branch != first.branch, 'its branch is new')
    expect_equal('the body', anew.payload.partition(b'\r\n\r\n')[2], first.payload.partition(b'\r\n\r\n')[2])


@live_test(CallWorld)
def families_in_turns(world):
    """OWN-7 (part): two IPv6 addresses and an IPv4 address of one target: they take turns, IPv6 first.
    Where nobody listens by IPv6, the second try is by IPv4."""
    world.records = {(f'_sip._udp.{DOMAIN}', dns.SRV): [(10, 0, 5060, f'a.{DOMAIN}')],
                     (f'a.{DOMAIN}', dns.AAAA): [FAR[6], SECOND[6]], (f'a.{DOMAIN}', dns.A): [FAR[4]]}
    phone = world.phone({'reg.1.server.1.port': 0}, '--profile', 'keepline', bind='[::]:5070')
    entry = wait_for(lambda: phone.entry().get('state') == 'registered' and phone.entry(), 'a registration', 60)
    routes = sorted(entry['routes'], key=lambda route: route['route'])
    expect_equal('the routes', [route['address'] for route in routes], [FAR[6], FAR[4], SECOND[6]])
    expect_equal('the one without a closed port', [route['address'] for route in routes if route['current']], [FAR[4]])


@live_test(CallWorld)
def stream_race(world):
    """OWN-7 (part): over TCP the target's IPv6 address answers no SYN. After 250 ms its IPv4 address is connected as well,
    and has the registration, long before the window of a stream ends (5 s)."""
    world.records = {(f'_sip._tcp.{DOMAIN}', dns.SRV): [(10, 0, 5060, f'a.{DOMAIN}')],
                     (f'a.{DOMAIN}', dns.AAAA): [UNUSED], (f'a.{DOMAIN}', dns.A): [FAR[4]]}
    world.stream_server(FAR[4])
    quiet = world.folder / 'quiet.yaml'  # a probe would connect, too
    quiet.write_text('policy: {probe: 0}\n')
    phone = world.phone({'reg.1.server.1.port': 0, 'reg.1.server.1.transport': 'TCPOnly'}, '-v', '--profile', 'keepline',
                        quiet, bind='[::]:5070')
    beside = world.near_log.wait_one('a SYN', within_s=20, target=FAR[4], where=lambda packet: packet.connects)
    wait_for(lambda: phone.entry().get('state') == 'registered', 'a registration')
    expect_between('the connection beside', beside.at_ms - world.told_ms(phone, 'send REGISTER'),
                   STAGGER_MS - EARLY_MS, STAGGER_MS + LATE_MS)
    moved = world.near_log.wait_one('REGISTER', method='REGISTER', target=FAR[4])
    expect_between('REGISTER there', moved.at_ms - beside.at_ms, ROUND_TRIP_MS, ROUND_TRIP_MS + LATE_MS)
    expect('another route connected first' in phone.log(), 'the log says why')
    expect_equal('connections by IPv4', len(world.near_log.find(target=FAR[4], where=lambda packet: packet.connects)), 1)
    expect_equal('status of the other', [route['status'] for route in phone.entry()['routes'] if not route['current']],
                 ['unknown'])


if __name__ == '__main__':
    run_tests()
