"""Comparisons that print what was measured, and fail in words."""
from .waiting import Failure

# A loaded machine makes a send late, and a gap that follows a late send short. No two times of a schedule are closer than
# 500 ms, so each send still has one place; how exact they are is for the scenarios, and the table of test_faults.py.
EARLY_MS, LATE_MS = 90, 400


def expect(condition, what):
    if not condition:
        raise Failure(f'expected {what}')
    print(f'  {what}')


def expect_equal(what, measured, expected):
    if measured != expected:
        raise Failure(f'{what}: expected {expected!r}, measured {measured!r}')
    print(f'  {what}: {measured!r}')


def expect_count(what, found, expected):
    """FOUND, of which there are so many."""
    expect_equal(f'number of {what}', len(found), expected)
    return found


def expect_between(what, measured_ms, least_ms, most_ms):
    print(f'  {what}: {measured_ms:.1f} ms (expected {least_ms} to {most_ms} ms)')
    if not least_ms <= measured_ms <= most_ms:
        raise Failure(f'{what}: expected {least_ms} to {most_ms} ms, measured {measured_ms:.1f} ms')


def expect_time(what, measured_ms, expected_ms):
    expect_between(what, measured_ms, expected_ms - EARLY_MS, expected_ms + LATE_MS)


def expect_times(what, packets, start_ms, expected_ms):
    """Each packet stands where EXPECTED_MS, counted from START_MS, has it, and there is no other."""
    expect_equal(f'{what}, number of sends', len(packets), len(expected_ms))
    for number, (packet, at_ms) in enumerate(zip(packets, expected_ms), 1):
        expect_time(f'{what}, send {number}', packet.at_ms - start_ms, at_ms)
