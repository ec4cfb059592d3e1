#!/usr/bin/env python3
"""A server fails, and the next one takes over: when, and after which other messages."""
from harness.expect import EARLY_MS, LATE_MS, expect, expect_between, expect_equal, expect_time, expect_times
from harness.run import live_test, run_tests

REGISTER_FIRST = {'reg.1.server.1.failOver.reRegisterOn': 1}
AT_ONCE_MS = LATE_MS
# UDP with the defaults: three sends, then the next route.
THREE_SENDS_MS = [0, 500, 1500]
NEXT_ROUTE_MS = 3500


@live_test()
def silent_at_start(world):
    """TIME-1 (part), TIME-8 (part), REG-4 (part): the first server is silent. REGISTER goes there at 0, 500 and 1500 ms
    and to the second server at 3500 ms, as a new transaction of the same Call-ID."""
    world.sbc1.freeze()
    phone = world.phone()
    first = world.wait_sent('REGISTER', world.sbc1)[0]
    moved = world.wait_sent('REGISTER', world.sbc2)[0]
    expect_times('REGISTER to sbc1', world.sent('REGISTER', world.sbc1, until_ms=moved.at_ms), first.at_ms,
                 THREE_SENDS_MS)
    expect_time('REGISTER to sbc2', moved.at_ms - first.at_ms, NEXT_ROUTE_MS)
    expect_equal('its Call-ID', moved.call_id, first.call_id)
    expect_equal('its From', moved.header('From'), first.header('From'))
    expect(moved.branch != first.branch, 'its branch is new')
    expect(moved.cseq > first.cseq, 'its CSeq has grown')
    # The repeat with credentials starts at the head of the order, where it waits once more: TRIG-8 (part).
    entry = phone.wait_state('registered', world.sbc2)
    expect(entry['in_failover'], 'the status says: in failover')


@live_test()
def silent_then_call(world):
    """TIME-1, TIME-8, FAIL-2 (part), FAIL-3 (part), SEE-1 (part): the first server falls silent, then a call. INVITE
    goes there at 0, 500 and 1500 ms; at 3500 ms REGISTER goes to the second server; once that is accepted, the INVITE
    goes there and is answered. Nothing more is sent to the first."""
    phone = world.registered_phone(REGISTER_FIRST)
    world.sbc1.freeze()
    call = phone.call()
    first = world.wait_sent('INVITE', world.sbc1)[0]
    registers = world.wait_sent('REGISTER', world.sbc2, count=2)
    moved = world.wait_sent('INVITE', world.sbc2)[0]
    accepted = world.wait_answered('REGISTER', 200, world.sbc2)
    world.wait_call_up(world.sbc2)

    expect_times('INVITE to sbc1', world.sent('INVITE', world.sbc1), first.at_ms, THREE_SENDS_MS)
    expect_time('REGISTER to sbc2', registers[0].at_ms - first.at_ms, NEXT_ROUTE_MS)
    expect_between('INVITE to sbc2, after the 200 to REGISTER', moved.at_ms - accepted.at_ms, 0, AT_ONCE_MS)
    expect_equal('its Call-ID', moved.call_id, first.call_id)
    expect_equal('its CSeq', moved.cseq, first.cseq)
    expect(moved.branch != first.branch, 'its branch is new')
    expect(';tag=' not in moved.header('To'), 'its To has no tag')
    expect_equal('all that went to sbc1 since then',
                 world.log.find(target=world.sbc1.address, since_ms=registers[0].at_ms), [])
    expect(phone.wait_state('registered', world.sbc2)['in_failover'], 'the status says: in failover')
    expect_equal('calls at the first callee', world.log.find(method='INVITE', target=world.callees[0].address), [])

    call.hang_up()
    world.wait_answered('BYE', 200, world.sbc2)
    expect_equal('exit status of the call', call.wait(), 0)


@live_test()
def through_proxy(world):
    """PROF-2 (part), TIME-2 (part): as in the Poly Solution Guide, Appendix A: an outbound proxy with its own failOver
    parameters, which win over the server's, and sends 500 ms apart. REGISTER goes to the next proxy at 1500 ms."""
    phone = world.registered_phone({
        'reg.1.server.1.address': 'pbx.example.test',
        'reg.1.server.1.retryTimeOut': 500,
        'reg.1.server.1.retryMaxCount': 3,
        'reg.1.server.1.failOver.reRegisterOn': 0,
        'reg.1.outboundProxy.address': 'example.test',
        'reg.1.outboundProxy.transport': 'UDPOnly',
        'reg.1.outboundProxy.failOver.reRegisterOn': 1,
    })
    expect_equal('first line of REGISTER', world.sent('REGISTER')[0].first_line,
                 'REGISTER sip:pbx.example.test SIP/2.0')
    world.sbc1.freeze()
    call = phone.call('sip:bob@pbx.example.test')
    world.wait_call_up(world.sbc2)
    sends = world.sent('INVITE', world.sbc1)
    expect_times('INVITE to sbc1', sends, sends[0].at_ms, [0, 500, 1000])
    expect_time('REGISTER to sbc2', world.sent('REGISTER', world.sbc2)[0].at_ms - sends[0].at_ms, 1500)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


@live_test(expires_max_s=40)
def silent_without_registration(world):
    """FAIL-1 (part), FAIL-17: without re-registration the INVITE goes straight to the second server at 3500 ms. Each
    further call and the next refresh cost the same, as long as the first server is down."""
    phone = world.registered_phone()
    registered = world.wait_answered('REGISTER', 200, world.sbc1)
    world.sbc1.freeze()
    for number in (1, 2):
        started_ms = world.log.now_ms()
        call = phone.call()
        moved = world.wait_sent('INVITE', world.sbc2, since_ms=started_ms)[0]
        sends = world.sent('INVITE', world.sbc1, since_ms=started_ms)
        expect_times(f'INVITE {number} to sbc1', sends, sends[0].at_ms, THREE_SENDS_MS)
        expect_time(f'INVITE {number} to sbc2', moved.at_ms - sends[0].at_ms, NEXT_ROUTE_MS)
        world.wait_call_up(world.sbc2, since_ms=started_ms)
        call.hang_up()
        expect_equal(f'exit status of call {number}', call.wait(), 0)
    expect_equal('REGISTERs since the first', world.sent('REGISTER', since_ms=registered.at_ms), [])

    moved = world.wait_sent('REGISTER', world.sbc2, within_s=40)[0]
    refreshes = world.sent('REGISTER', world.sbc1, registered.at_ms, until_ms=moved.at_ms)
    expect_times('refresh at sbc1, counted from the 200', refreshes, registered.at_ms,
                 [20000 + at_ms for at_ms in THREE_SENDS_MS])
    expect_time('refresh at sbc2', moved.at_ms - registered.at_ms, 20000 + NEXT_ROUTE_MS)
    phone.wait_state('registered', world.sbc2)


@live_test()
def closed_port(world):
    """TRIG-1 (part), FAIL-2 (part): the first server is gone, and ICMP says so: the second one at once."""
    phone = world.registered_phone(REGISTER_FIRST)
    world.sbc1.stop()
    call = phone.call()
    invite = world.wait_sent('INVITE', world.sbc1)[0]
    register = world.wait_sent('REGISTER', world.sbc2)[0]
    moved = world.wait_sent('INVITE', world.sbc2)[0]
    expect_between('REGISTER to sbc2', register.at_ms - invite.at_ms, 0, AT_ONCE_MS)
    accepted = world.wait_answered('REGISTER', 200, world.sbc2)
    expect(moved.at_ms > accepted.at_ms, 'the INVITE waits for the registration')
    expect_equal('INVITEs to sbc1', len(world.sent('INVITE', world.sbc1)), 1)
    world.wait_call_up(world.sbc2)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


@live_test()
def closed_port_at_start(world):
    """TRIG-1 (part): two servers are gone when the phone starts: it registers with the third at once."""
    world.sbc1.stop()
    world.sbc2.stop()
    phone = world.phone()
    first = world.wait_sent('REGISTER', world.sbc1)[0]
    third = world.wait_sent('REGISTER', world.sbc3)[0]
    expect_between('REGISTER to sbc3', third.at_ms - first.at_ms, 0, 2 * AT_ONCE_MS)
    phone.wait_state('registered', world.sbc3)


@live_test()
def refused_503(world):
    """TRIG-2 (part): the first server answers 503 with Retry-After: the second one at once. The 503 is acknowledged."""
    phone = world.registered_phone()
    world.sbc1.refuse()
    call = phone.call()
    refusal = world.wait_answered('INVITE', 503, world.sbc1)
    moved = world.wait_sent('INVITE', world.sbc2)[0]
    expect_equal('Retry-After of the 503', refusal.header('Retry-After'), '120')
    expect_between('INVITE to sbc2, after the 503', moved.at_ms - refusal.at_ms, 0, AT_ONCE_MS)
    ack = world.wait_sent('ACK', world.sbc1)[0]
    expect_equal('branch of the ACK', ack.branch, world.sent('INVITE', world.sbc1)[0].branch)
    expect_equal('its To', ack.header('To'), refusal.header('To'))
    world.wait_call_up(world.sbc2)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


@live_test()
def refused_503_at_start(world):
    """TRIG-2 (part): a 503 to REGISTER moves on at once, too."""
    world.sbc1.refuse()
    phone = world.phone()
    refusal = world.wait_answered('REGISTER', 503, world.sbc1)
    moved = world.wait_sent('REGISTER', world.sbc2)[0]
    expect_between('REGISTER to sbc2, after the 503', moved.at_ms - refusal.at_ms, 0, AT_ONCE_MS)
    phone.wait_state('registered', world.sbc2)


@live_test()
def final_503(world):
    """TRIG-3 (part): with failoverOn503Response=0 the 503 ends the call, and no other server is asked."""
    phone = world.registered_phone({'voIpProt.SIP.failoverOn503Response': 0})
    world.sbc1.refuse()
    call = phone.call()
    world.wait_answered('INVITE', 503, world.sbc1)
    expect_equal('exit status of the call', call.wait(), 1)
    expect('503' in call.output(), 'the call says why: 503')
    expect_equal('INVITEs to sbc2', world.sent('INVITE', world.sbc2), [])


@live_test()
def refused_404(world):
    """TRIG-5 (part): any other refusal is an answer: the call ends, and no other server is asked."""
    phone = world.registered_phone()
    call = phone.call('sip:nobody@example.test')
    world.wait_answered('INVITE', 404, world.sbc1)
    expect_equal('exit status of the call', call.wait(), 1)
    expect('404' in call.output(), 'the call says why: 404')
    expect_equal('INVITEs to sbc2', world.sent('INVITE', world.sbc2), [])


@live_test(challenge_invite=True)
def challenged_at_head(world):
    """TRIG-8 (part): without re-registration the repeat with credentials starts at the head of the order, so a dead
    first server costs its wait twice: 7.0 s."""
    phone = world.registered_phone({'voIpProt.SIP.authOptimizedInFailover': 0})
    world.sbc1.freeze()
    call = phone.call()
    ack = world.wait_call_up(world.sbc2)
    first = world.sent('INVITE', world.sbc1)[0]
    expect_times('INVITE to sbc1', world.sent('INVITE', world.sbc1), first.at_ms,
                 THREE_SENDS_MS + [NEXT_ROUTE_MS + at_ms for at_ms in THREE_SENDS_MS])
    expect_times('INVITE to sbc2', world.sent('INVITE', world.sbc2), first.at_ms, [NEXT_ROUTE_MS, 2 * NEXT_ROUTE_MS])
    expect_time('call up', ack.at_ms - first.at_ms, 2 * NEXT_ROUTE_MS)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


@live_test(challenge_invite=True)
def challenged_in_place(world):
    """TRIG-8 (part): with authOptimizedInFailover=1 the repeat goes to the server that asked for credentials."""
    phone = world.registered_phone({'voIpProt.SIP.authOptimizedInFailover': 1})
    world.sbc1.freeze()
    call = phone.call()
    ack = world.wait_call_up(world.sbc2)
    first = world.sent('INVITE', world.sbc1)[0]
    expect_times('INVITE to sbc1', world.sent('INVITE', world.sbc1), first.at_ms, THREE_SENDS_MS)
    expect_time('call up', ack.at_ms - first.at_ms, NEXT_ROUTE_MS)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


@live_test()
def all_silent(world):
    """TIME-3 (part), FAIL-2 (part): no server answers. The registrations that are made for the call share its clock:
    all is over after 32 s, and the line backs off."""
    phone = world.registered_phone(REGISTER_FIRST)
    for registrar in world.registrars:
        registrar.freeze()
    frozen_ms = world.log.now_ms()
    call = phone.call()
    expect_equal('exit status of the call', call.wait(within_s=60), 1)
    ended_ms = world.log.now_ms()
    first = world.sent('INVITE', world.sbc1)[0]
    expect_times('INVITE to sbc1', world.sent('INVITE'), first.at_ms, THREE_SENDS_MS)
    expect_times('REGISTER to sbc2', world.sent('REGISTER', world.sbc2, frozen_ms), first.at_ms, [3500, 4000, 5000])
    expect_times('REGISTER to sbc3', world.sent('REGISTER', world.sbc3, frozen_ms), first.at_ms,
                 [7000, 7500, 8500, 10500, 14500, 18500, 22500, 26500, 30500])
    expect_between('end of the call', ended_ms - first.at_ms, 32000 - EARLY_MS, 34000)
    phone.wait_state('backing off')


@live_test()
def late_answer_to_invite(world):
    """TIME-9 (part): a call has moved, and then the first server wakes up and answers its old INVITE. That second call
    is acknowledged and ended at once; the first goes on."""
    phone = world.registered_phone()
    world.sbc1.freeze()
    call = phone.call('sip:robot@example.test')
    world.wait_call_up(world.sbc2)
    woken_ms = world.log.now_ms()
    world.sbc1.thaw()
    late = world.wait_answered('INVITE', 200, world.sbc1, since_ms=woken_ms)
    ack = world.wait_sent('ACK', world.sbc1, since_ms=woken_ms)[0]
    bye = world.wait_sent('BYE', world.sbc1, since_ms=woken_ms)[0]
    expect_equal('To of the ACK', ack.header('To'), late.header('To'))
    expect_equal('To of the BYE', bye.header('To'), late.header('To'))
    expect_equal('BYEs to sbc2', world.sent('BYE', world.sbc2), [])
    call.hang_up()
    world.wait_sent('BYE', world.sbc2)
    expect_equal('exit status of the call', call.wait(), 0)


@live_test()
def late_ringing(world):
    """TIME-9 (part): as before, but the first server says that it rings: its INVITE is cancelled there, and rings on at
    the second server."""
    phone = world.registered_phone()
    world.sbc1.freeze()
    call = phone.call('sip:ringing@example.test')
    world.wait_answered('INVITE', 180, world.sbc2)
    woken_ms = world.log.now_ms()
    world.sbc1.thaw()
    cancel = world.wait_sent('CANCEL', world.sbc1)[0]
    expect_equal('branch of the CANCEL', cancel.branch, world.sent('INVITE', world.sbc1)[0].branch)
    ended = world.wait_answered('INVITE', 487, world.sbc1, since_ms=woken_ms)
    expect_equal('To of the ACK', world.wait_sent('ACK', world.sbc1)[0].header('To'), ended.header('To'))
    expect_equal('CANCELs to sbc2', world.sent('CANCEL', world.sbc2), [])
    call.hang_up()
    world.wait_sent('CANCEL', world.sbc2)
    expect_equal('exit status of the call', call.wait(), 1)


@live_test()
def late_answer_to_register(world):
    """TIME-9 (part): a registration has moved, and then the first server wakes up and asks for credentials. Its answers
    are absorbed; the line stays where it is."""
    world.sbc1.freeze()
    phone = world.phone(REGISTER_FIRST)
    phone.wait_state('registered', world.sbc2)
    woken_ms = world.log.now_ms()
    world.sbc1.thaw()
    world.wait_answered('REGISTER', 401, world.sbc1, since_ms=woken_ms)
    call = phone.call()
    world.wait_call_up(world.sbc2)
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_equal('REGISTERs since then', world.sent('REGISTER', since_ms=woken_ms), [])
    phone.wait_state('registered', world.sbc2)


if __name__ == '__main__':
    run_tests()
