#!/usr/bin/env python3
"""A line registers, calls and leaves, against Kamailio."""
from harness.expect import LATE_MS, expect, expect_between, expect_count, expect_equal, expect_time
from harness.names import ADDRESS, srv_records
from harness.phone import ACCOUNT
from harness.registrar import PASSWORD
from harness.run import live_test, run_tests
from harness.waiting import PATIENCE_S, wait_for
from harness.world import PHONE_ADDRESS, SERVERS

SHORT_TTL_S = 6
LEAVE_MS = 4000  # what it gives the servers


@live_test()
def register_call_leave(world):
    """REG-1 (part), REG-2 (part), REG-5 (part), TRIG-8 (part), CALL-1 (part), DNS-2 (part): SRV leads to the first
    server; the challenge is answered; a call goes through; SIGTERM unregisters."""
    phone = world.registered_phone()
    first, second = expect_count('REGISTERs to sbc1', world.requests('REGISTER', world.sbc1), 2)
    expect(not first.header('Authorization'), 'the first REGISTER carries no credentials')
    expect('response=' in second.header('Authorization'), 'the second one does')
    expect_equal('Call-ID of the second', second.call_id, first.call_id)
    expect_equal('CSeq of the second', second.cseq, first.cseq + 1)
    expect(second.branch != first.branch, 'each has a branch of its own')
    expect_equal('number of contacts at sbc1', len(world.sbc1.contacts()), 1)
    expect_count('REGISTERs in all', world.requests('REGISTER'), 2)

    call = phone.call()
    world.wait_call_up(world.sbc1)
    call.hang_up()
    world.wait_answered('BYE', 200, world.sbc1)
    expect_equal('exit status of the call', call.wait(), 0)

    leaving_ms = world.log.now_ms()
    expect_equal('exit status of the phone', phone.leave(), 0)
    last = world.wait_sent('REGISTER', world.sbc1, since_ms=leaving_ms)[-1]
    expect(last.asks_to_leave, 'the last REGISTER asks for 0 s')
    expect_equal('contacts at sbc1', world.sbc1.contacts(), [])
    expect(PASSWORD not in phone.log() + call.output(), 'the password stands in no output')


@live_test(algorithm='SHA-256', challenge_invite=True)
def sha256(world):
    """TRIG-8 (part): SHA-256, and an INVITE that needs credentials."""
    phone = world.registered_phone()
    expect_equal('number of contacts at sbc1', len(world.sbc1.contacts()), 1)
    call = phone.call()
    world.wait_call_up(world.sbc1)
    refused = world.wait_answered('INVITE', 407, world.sbc1)
    first, second = expect_count('INVITEs', world.requests('INVITE', world.sbc1), 2)
    expect('SHA-256' in second.header('Proxy-Authorization'), 'the second INVITE carries a SHA-256 answer')
    ack = next(ack for ack in world.sent('ACK', world.sbc1) if ack.branch == first.branch)
    expect_equal('To of the ACK of the 407', ack.header('To'), refused.header('To'))
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


@live_test()
def cancelled_call(world):
    """CALL-1 (part), TIME-7 (part): a call that rings stays where it is, with no other send; hanging up cancels it."""
    phone = world.registered_phone()
    call = phone.call('sip:ringing@example.test')
    rings = world.wait_answered('INVITE', 180, world.sbc1)
    world.log.expect_none('further INVITE', within_s=4, method='INVITE', source=PHONE_ADDRESS,
                          since_ms=rings.at_ms)
    call.hang_up()
    cancel = world.wait_sent('CANCEL', world.sbc1)[0]
    expect_equal('branch of the CANCEL', cancel.branch, world.sent('INVITE', world.sbc1)[0].branch)
    ended = world.wait_answered('INVITE', 487, world.sbc1)
    ack = world.wait_sent('ACK', world.sbc1)[0]
    expect_equal('To of the ACK', ack.header('To'), ended.header('To'))
    call.wait()


@live_test()
def two_lines(world):
    """REG-1 (part): each line registers by itself, with a Call-ID of its own."""
    second = {name.replace('reg.1.', 'reg.2.'): value for name, value in ACCOUNT.items()}
    phone = world.registered_phone({**second, 'reg.2.address': 'carol', 'reg.2.auth.userId': 'carol'})
    wait_for(lambda: phone.entry(line=2).get('state') == 'registered', 'line 2 is registered')
    users = sorted(contact.partition('@')[0] for contact in world.sbc1.contacts())
    expect_equal('users registered at sbc1', users, ['sip:alice', 'sip:carol'])
    expect_equal('number of Call-IDs', len({packet.call_id for packet in world.sent('REGISTER')}), 2)


@live_test(expires_max_s=40)
def refresh(world):
    """REG-1 (part): 40 s are granted, so the registration is renewed after 20 s."""
    phone = world.registered_phone()
    granted = world.wait_answered('REGISTER', 200, world.sbc1)
    renewal = world.wait_sent('REGISTER', world.sbc1, since_ms=granted.at_ms, within_s=25)[0]
    expect_time('renewal after the 200', renewal.at_ms - granted.at_ms, 20000)
    expect_equal('its Call-ID', renewal.call_id, granted.call_id)
    world.wait_answered('REGISTER', 200, world.sbc1, since_ms=renewal.at_ms)
    phone.wait_state('registered', world.sbc1)


@live_test()
def unanswered_leave(world):
    """REG-5 (part): when the server is silent, leaving waits for a bounded time; a second signal leaves at once."""
    phone = world.registered_phone()
    world.sbc1.freeze()
    leaving_ms = world.log.now_ms()
    phone.ask_to_leave()
    world.wait_sent('REGISTER', world.sbc1, since_ms=leaving_ms)
    phone.ask_to_leave()
    phone.process.wait()
    expect(world.log.now_ms() - leaving_ms < LEAVE_MS, 'it has not waited for the server')


@live_test(records=srv_records({'sbc2': SERVERS['sbc2'], 'sbc1': SERVERS['sbc1']}))
def srv_priority(world):
    """DNS-2 (part), DNS-5 (part): the SRV priorities decide, not the servers' names or the order of the records."""
    phone = world.phone()
    phone.wait_state('registered', world.sbc2)
    expect_equal('REGISTERs to sbc1', world.sent('REGISTER', world.sbc1), [])


@live_test(records=f'@ A {SERVERS["sbc3"]}\n')
def a_record_alone(world):
    """DNS-4 (part): no SRV record, so the A record serves, on port 5060."""
    phone = world.phone()
    phone.wait_state('registered', world.sbc3)


@live_test(records=srv_records({'sbc1': SERVERS['sbc1'], 'sbc2': SERVERS['sbc2']}, ttl=SHORT_TTL_S))
def server_leaves_names(world):
    """DNS-11, DNS-13 (part): at the end of the TTL the names are asked again; the current server is no longer among
    them, so the line registers with the next one at once."""
    phone = world.registered_phone()
    answer = world.log.find(source=ADDRESS)[0]
    world.names.change(srv_records({'sbc2': SERVERS['sbc2'], 'sbc3': SERVERS['sbc3']}, ttl=SHORT_TTL_S))
    changed_ms = world.log.now_ms()
    lookup = world.log.wait_one('lookup', within_s=SHORT_TTL_S + PATIENCE_S, target=ADDRESS, since_ms=changed_ms)
    expect_time('lookup, after the first answer', lookup.at_ms - answer.at_ms, 1000 * SHORT_TTL_S)
    moved = world.wait_sent('REGISTER', world.sbc2)[0]
    expect_between('REGISTER to sbc2, after the lookup', moved.at_ms - lookup.at_ms, 0, LATE_MS)
    expect_equal('its Call-ID', moved.call_id, world.sent('REGISTER', world.sbc1)[0].call_id)
    phone.wait_state('registered', world.sbc2)


@live_test(records=srv_records(SERVERS, ttl=SHORT_TTL_S))
def names_fall_silent(world):
    """DNS-16 (part): the DNS is silent when the records' time ends. The registration stays, and a call goes through on
    the current route after 5 s at most."""
    phone = world.registered_phone()
    world.names.freeze()
    silent_ms = world.log.now_ms()
    world.log.wait_one('lookup', within_s=SHORT_TTL_S + PATIENCE_S, target=ADDRESS, since_ms=silent_ms)
    called_ms = world.log.now_ms()
    call = phone.call()
    world.wait_call_up(world.sbc1)
    expect_between('INVITE to sbc1', world.sent('INVITE', world.sbc1)[0].at_ms - called_ms, 0, 5000 + 2 * LATE_MS)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('REGISTERs since then', world.sent('REGISTER', since_ms=silent_ms), [])
    phone.wait_state('registered', world.sbc1)


if __name__ == '__main__':
    run_tests()
