#!/usr/bin/env python3
"""The first server comes back, and the line returns to it: when, and what must not happen meanwhile."""
from harness.expect import EARLY_MS, LATE_MS, expect, expect_between, expect_equal, expect_time
from harness.run import live_test, run_tests
from harness.waiting import PATIENCE_S

FAILOVER = 'reg.1.server.1.failOver.'
TIMEOUT_S = 60
IDLE_MS = 1000


def fail_over(world, parameters):
    """A phone that found the first server silent and is registered with the second; the 200 to that REGISTER. The
    first server is back."""
    world.sbc1.freeze()
    phone = world.phone({FAILOVER + name: value for name, value in {'reRegisterOn': 1, **parameters}.items()})
    connected = world.wait_answered('REGISTER', 200, world.sbc2)
    phone.wait_state('registered', world.sbc2)
    world.sbc1.restart()
    return phone, connected


def expect_back(world, phone, since_ms):
    """The line is with the first server again, under the same Call-ID, and nothing was said to the second."""
    accepted = world.wait_answered('REGISTER', 200, world.sbc1, since_ms)
    expect(not phone.wait_state('registered', world.sbc1)['in_failover'], 'the status says: no longer in failover')
    expect_equal('number of contacts at sbc1', len(world.sbc1.contacts()), 1)
    expect_equal('Call-ID', accepted.call_id, world.sent('REGISTER', world.sbc2)[0].call_id)
    expect_equal('REGISTERs to sbc2 since then', world.sent('REGISTER', world.sbc2, since_ms), [])


@live_test()
def duration(world):
    """FAIL-10 (part), FAIL-12 (part), REG-4 (part): failback by duration, 60 s after the 200 of the second server."""
    phone, connected = fail_over(world, {'failBack.mode': 'duration', 'failBack.timeout': TIMEOUT_S})
    back = world.wait_sent('REGISTER', world.sbc1, since_ms=connected.at_ms, within_s=TIMEOUT_S + PATIENCE_S)[0]
    expect_time('REGISTER to sbc1, after the 200 of sbc2', back.at_ms - connected.at_ms, 1000 * TIMEOUT_S)
    expect_back(world, phone, back.at_ms)


@live_test(expires_max_s=125)
def held_by_call(world):
    """FAIL-11 (part), REG-1 (part): a call is up when the 60 s end. The registration is renewed where it is, 65 s after
    the 200 (125 s granted, overlap 60). The call ends, and the line returns within 1 s."""
    phone, connected = fail_over(world, {'failBack.mode': 'duration', 'failBack.timeout': TIMEOUT_S})
    call = phone.call()
    world.wait_call_up(world.sbc2)
    renewal = world.wait_sent('REGISTER', world.sbc2, since_ms=connected.at_ms + 1, within_s=TIMEOUT_S + PATIENCE_S)[0]
    expect_time('renewal at sbc2, after the 200', renewal.at_ms - connected.at_ms, 65000)
    renewed = world.wait_answered('REGISTER', 200, world.sbc2, since_ms=renewal.at_ms)
    expect_equal('REGISTERs to sbc1 during the call', world.sent('REGISTER', world.sbc1, connected.at_ms), [])

    call.hang_up()
    ended = world.wait_answered('BYE', 200, world.sbc2)
    back = world.wait_sent('REGISTER', world.sbc1, since_ms=renewed.at_ms)[0]
    expect_between('REGISTER to sbc1, after the end of the call', back.at_ms - ended.at_ms, -IDLE_MS, IDLE_MS)
    expect_equal('exit status of the call', call.wait(), 0)
    expect_back(world, phone, back.at_ms)


@live_test(expires_max_s=40)
def at_refresh(world):
    """FAIL-9: failback by registration: the refresh, 20 s after the 200, goes to the first server."""
    phone, connected = fail_over(world, {'failBack.mode': 'registration'})
    back = world.wait_sent('REGISTER', world.sbc1, since_ms=connected.at_ms, within_s=40)[0]
    expect_time('REGISTER to sbc1, after the 200 of sbc2', back.at_ms - connected.at_ms, 20000)
    expect_back(world, phone, back.at_ms)


@live_test(expires_max_s=40)
def still_dead(world):
    """FAIL-12 (part): at the refresh the first server is still silent: the line goes on with the second."""
    world.sbc1.freeze()
    phone = world.phone({FAILOVER + 'reRegisterOn': 1, FAILOVER + 'failBack.mode': 'registration'})
    connected = world.wait_answered('REGISTER', 200, world.sbc2)
    attempt = world.wait_sent('REGISTER', world.sbc1, since_ms=connected.at_ms, within_s=40)[0]
    kept = world.wait_answered('REGISTER', 200, world.sbc2, since_ms=attempt.at_ms)
    expect_between('renewal at sbc2, after the attempt', kept.at_ms - attempt.at_ms, 3500 - EARLY_MS, 3500 + 2 * LATE_MS)
    phone.wait_state('registered', world.sbc2)


@live_test()
def new_request(world):
    """FAIL-7 (part), FAIL-16 (part): failback by newRequests: a call waits for the registration at the first server,
    and goes there."""
    phone, connected = fail_over(world, {'failBack.mode': 'newRequests'})
    call = phone.call()
    world.wait_call_up(world.sbc1, since_ms=connected.at_ms)
    registered = world.wait_answered('REGISTER', 200, world.sbc1, since_ms=connected.at_ms)
    expect(world.sent('INVITE', world.sbc1)[0].at_ms > registered.at_ms, 'the INVITE waits for the registration')
    expect_equal('INVITEs to sbc2', world.sent('INVITE', world.sbc2), [])
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)
    expect_back(world, phone, connected.at_ms + 1)


@live_test()
def unregister_first(world):
    """FAIL-13 (part): with unRegisterOnFailBack=1 the line leaves the second server before it returns to the first."""
    phone, connected = fail_over(world, {'failBack.mode': 'newRequests', 'unRegisterOnFailBack': 1})
    call = phone.call()
    world.wait_call_up(world.sbc1, since_ms=connected.at_ms)
    left = world.wait_sent('REGISTER', world.sbc2, since_ms=connected.at_ms + 1)[-1]
    expect(left.asks_to_leave, 'the REGISTER to sbc2 asks for 0 s')
    expect(left.at_ms < world.sent('REGISTER', world.sbc1, connected.at_ms)[0].at_ms, 'it precedes that to sbc1')
    expect_equal('contacts at sbc2', world.sbc2.contacts(), [])
    call.hang_up()
    expect_equal('exit status of the call', call.wait(), 0)


if __name__ == '__main__':
    run_tests()
