#!/usr/bin/env python3
"""SEE-2: every cause is told in some scenario, and the policy values that ruled it are named with it.

    causes_test.py            compares the transcripts with RULES below
    causes_test.py --print    prints what the transcripts show, as rows for RULES
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Which policy values are named with each cause; 'none': the protocol, an event or the user ruled.
RULES = {
    'KL_WHY_STARTED': 'boot_spread_ms none',
    'KL_WHY_STOPPED': 'none',
    'KL_WHY_NAMES_ASKED': 'none',
    'KL_WHY_NAMES_FOUND': 'none',
    'KL_WHY_NAMES_WAITED': 'dns_wait_max_ms',
    'KL_WHY_NAMES_FAILED': 'dns_failure_fails',
    'KL_WHY_NO_ROUTE': 'none',
    'KL_WHY_NO_NAMES': 'none',
    'KL_WHY_RESTORED': 'dns_restore_ms',
    'KL_WHY_STALE': 'dns_stale',
    'KL_WHY_STATIC': 'none',
    'KL_WHY_STATIC_FIRST': 'static_first',
    'KL_WHY_ACCEPTED': 'none',
    'KL_WHY_LATE_ACCEPTED': 'none',
    'KL_WHY_REFUSED': 'denial_moves_on failover_on_503 loss_on_403 none probe_ms',
    'KL_WHY_REDIRECTED': 'none',
    'KL_WHY_REDIRECT_LOOP': 'none',
    'KL_WHY_REDIRECTS': 'none',
    'KL_WHY_NOTHING_GRANTED': 'none',
    'KL_WHY_CREDENTIALS': 'denial_moves_on none',
    'KL_WHY_UNANSWERABLE': 'none',
    'KL_WHY_NO_ANSWER': 'attempts_max first_silence invite_attempts_max last_route line_seize_sends_max none retry_gap_ms t1_ms tcp_fast_failover tcp_fast_failover_ms',
    'KL_WHY_NO_FINAL': 'provisional_max_ms',
    'KL_WHY_STATUS_503': 'failover_on_503',
    'KL_WHY_FAULT': 'none',
    'KL_WHY_WALK_ENDED': 'walk_bounded',
    'KL_WHY_ROUTES_USED_UP': 'none',
    'KL_WHY_REFRESH_DUE': 'expires_overlap_ms refresh_max_ms subscribe_overlap_ms',
    'KL_WHY_RETRY_DUE': 'backoff_base_ms backoff_fixed_ms backoff_max_ms boot_spread_ms fallback_probe_ms flow_backoff_base_ms health_shared none retry_after_max_ms',
    'KL_WHY_NEEDED': 'reregister_on',
    'KL_WHY_EXPIRED': 'none',
    'KL_WHY_REQUEST_FAILED': 'none',
    'KL_WHY_FAILBACK_DUE': 'failback_mode failback_ms',
    'KL_WHY_NOT_REGISTERED': 'only_signal_with_registered',
    'KL_WHY_BETTER_UP': 'failback_mode',
    'KL_WHY_FAILBACK_GROUP': 'enhanced',
    'KL_WHY_FAILBACK_REQUEST': 'failback_mode',
    'KL_WHY_FAILBACK_HELD': 'enhanced idle_scope',
    'KL_WHY_FAILBACK_DIRECT': 'fail_registration_on',
    'KL_WHY_FAILBACK_FAILED': 'attempts_max none',
    'KL_WHY_CLEARED': 'none',
    'KL_WHY_ROUTE_GONE': 'none',
    'KL_WHY_REGISTRATION_FAILED': 'reregister_on',
    'KL_WHY_ANSWERED': 'none',
    'KL_WHY_CANCELLED': 'none',
    'KL_WHY_LEFT': 'none',
    'KL_WHY_CUT': 'record_routes_max',
    'KL_WHY_ONE_AT_A_TIME': 'successive',
    'KL_WHY_TURN': 'successive',
    'KL_WHY_HIGHER': 'successive',
    'KL_WHY_ADDRESS_CHANGED': 'none',
    'KL_WHY_LINK_UP': 'freeze_without_link none',
    'KL_WHY_LINK_DOWN': 'freeze_without_link',
    'KL_WHY_LATE': 'none',
    'KL_WHY_ASKED': 'none',
    'KL_WHY_UNASKED': 'none',
    'KL_WHY_REGISTRATION_MOVED': 'resubscribe_on_move',
    'KL_WHY_DROPPED': 'fail_registration_on',
    'KL_WHY_TERMINATED': 'none',
    'KL_WHY_NO_WALK': 'none',
    'KL_WHY_REMEMBERED': 'dns_remember',
    'KL_WHY_SILENT': 'first_silence',
    'KL_WHY_NOT_HEARD': 'first_silence',
    'KL_WHY_HEARD': 'first_silence',
    'KL_WHY_FOLLOWS': 'register_follows',
    'KL_WHY_ROUTE_DOWN': 'health_shared',
    'KL_WHY_SECOND_FLOW': 'flows_max',
    'KL_WHY_OTHER_FLOW': 'flows_max',
    'KL_WHY_NO_OUTBOUND': 'none',
    'KL_WHY_FIRST_FLOW': 'flows_max',
    'KL_WHY_ONE_SERVER': 'none',
}

# What a scenario's server can't do is proven by a unit test that names the cause.
ELSEWHERE = {'KL_WHY_CHALLENGES': 'tests/engine/fault_test.c'}

# Causes of one wording are told apart by the line that they stand in.
LINES = {
    'KL_WHY_ACCEPTED': re.compile(r' -> .*: 2\d\d '),
    'KL_WHY_ANSWERED': re.compile(r'(ended with|now on) .*: [12]\d\d '),
    'KL_WHY_REFUSED': re.compile(r': [3-6]\d\d '),
}
ANY = re.compile('')

PLACEHOLDERS = {'ms': r'\d+', 'status': r'\d{3}', 'count': r'\d+', 'route': r'\S+'}


def texts(table):
    """The rows X(NAME, "text") of one table of types.h."""
    header = (ROOT / 'include/keepline/types.h').read_text()
    body = re.search(r'#define ' + table + r'\(X\)((?:.*\\\n)*.*)', header).group(1)
    return dict(re.findall(r'X\((\w+), "([^"]*)"\)', body))


def patterns():
    """What each cause looks like in a transcript, with the rule in brackets behind it."""
    faults = '|'.join(re.escape(text) for text in texts('KL_FAULTS').values())
    known = dict(PLACEHOLDERS, fault=f'(?:{faults})')
    found = {}
    for name, text in texts('KL_CAUSES').items():
        words = [known[part[1:-1]] if part.startswith('{') else re.escape(part)
                 for part in re.split(r'(\{\w+\})', text) if part]
        found[name] = re.compile(r'(?:: |; |line \d+(?: entry \d+)? )' + ''.join(words) + r'(?: \(\w+\))?(?: \[(\w+)\])?(?:,.*)?$')
    del found['KL_WHY_NONE']
    return found


def told():
    """Each cause of the transcripts with the rules that stand behind it."""
    causes = patterns()
    rules = {name: set() for name in causes}
    for path in sorted((ROOT / 'tests/scenarios').glob('*.txt')):
        for line in path.read_text().split('----\n', 1)[1].splitlines():
            for name, pattern in causes.items():
                match = pattern.search(line)
                if match and LINES.get(name, ANY).search(line):
                    rules[name].add(match.group(1) or 'none')
    return rules


def main():
    rules = told()
    if sys.argv[1:] == ['--print']:
        for name, values in rules.items():
            print(f"    '{name}': '{' '.join(sorted(values))}',")
        return 0
    breaches = 0
    for name in sorted(rules.keys() | RULES.keys()):
        expected, values = RULES.get(name, ''), ' '.join(sorted(rules.get(name, ())))
        if name in ELSEWHERE and name in (ROOT / ELSEWHERE[name]).read_text():
            continue
        if not values or values != expected:
            print(f'{name}: ruled by "{values}", expected "{expected}"')
            breaches += 1
    return breaches > 0


if __name__ == '__main__':
    sys.exit(main())
