"""Real-time priority, where it is allowed."""
import contextlib
import os

PRIORITY = 5


def take_real_time():
    """For this process, and for those that it starts from then on: whoever counts calls of SIPp needs it on a busy machine.
    After half a second without a processor an INVITE comes again, and SIPp gives the call up where the first answer's ACK is
    there before it has answered again."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
