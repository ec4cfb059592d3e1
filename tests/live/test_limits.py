#!/usr/bin/env python3
"""Low limits of the machine: told in the log, and survived."""
import resource

from harness.expect import expect, expect_count, expect_equal
from harness.names import srv_records
from harness.run import live_test, run_tests
from harness.waiting import wait_for
from harness.world import SERVERS

TCP = {'reg.1.server.1.transport': 'TCPOnly', 'reg.1.server.1.registerRetry.baseTimeOut': 10}
NO_MORE = 'Too many open files'


@live_test(records=srv_records(SERVERS, owner='_sip._tcp'), streams=True)
def no_descriptors(world):
    """RLIMIT_NOFILE: a phone that may open nothing more loses its stream. It says why no other opens, goes on trying, and
    registers as soon as it may."""
    phone = world.registered_phone(TCP)
    pid = phone.process.process.pid
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limit[1]))
    world.sbc1.stop()
    world.sbc1.start()
    wait_for(lambda: NO_MORE in phone.log(), 'the log tells of it', within_s=40)
    expect_count('REGISTERs', world.requests('REGISTER'), 2)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
    phone.wait_state('registered', within_s=60)
    lines = phone.log().count(NO_MORE)
    expect(lines < 20, f'in {lines} lines')
    expect_equal('exit status of the phone', phone.leave(), 0)


if __name__ == '__main__':
    run_tests()
