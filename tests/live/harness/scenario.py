"""Scenarios for SIPp as a far end that is called, put together from steps: each is a function that gives XML.

    scenario(invite(), reply(180), reply(200, body=SDP), recv('ACK'), recv('BYE'), reply(200))
"""
import itertools

from .waiting import Process, udp_is_bound, wait_for

PORT = 5060
LABELS = itertools.count(1)
SDP = ('v=0\no=bob 1 {version} IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\nm=audio 6000 RTP/AVP 0\na={direction}')


def sdp(direction='sendrecv', version=1):
    return SDP.format(direction=direction, version=version)


def message(start, headers, body):
    lines = [start, *headers]
    if body:
        lines += ['Content-Type: application/sdp', 'Content-Length: [len]', '', *body.split('\n')]
    else:
        lines += ['Content-Length: 0', '', '']
    return '<![CDATA[\n' + '\n'.join(lines) + '\n]]>'


def repeats(request):
    """Before REQUEST the INVITE may come again: on a loaded machine it crosses its answer."""
    label = next(LABELS)
    return f'<label id="{label}" /><recv request="INVITE" optional="true" next="{label}" />' if request != 'INVITE' else ''


def recv(request, *expressions):
    """A request comes, with what each of (part, regular expression) says; PART is "body" or a header."""
    actions = ''.join(
        f'<ereg regexp="{pattern}" check_it="true" assign_to="found" '
        + ('search_in="body"' if part == 'body' else f'search_in="hdr" header="{part}:"') + ' />'
        for part, pattern in expressions)
    return repeats(request) + (f'<recv request="{request}"><action>{actions}</action></recv>' if actions
                               else f'<recv request="{request}" />')


def invite():
    """The INVITE that begins the call; what later messages need of it is kept. It came through one proxy."""
    kept = ('From', 'from', 1), ('To', 'to', 1), ('Via', 'via', 1), ('Via', 'second', 2), ('Record-Route', 'route', 1)
    keep = ''.join(f'<ereg regexp=".*" search_in="hdr" header="{header}:" occurrence="{nth}" assign_to="{name}" />'
                   for header, name, nth in kept)
    return f'<recv request="INVITE" rrs="true"><action>{keep}</action></recv>'


def reply(status, *headers, tag='[local_ip]-[call_number]', body='', tagged=False, to_invite=False):
    """An answer to the request that came last, or TO_INVITE. TAG goes into its To, unless it is TAGGED already."""
    rows = ['[last_Via:]', '[last_Record-Route:]', '[last_From:]', '[last_To:]' if tagged else f'[last_To:];tag={tag}',
            '[last_Call-ID:]', '[last_CSeq:]']
    if to_invite:
        rows = ['Via:[$via]', 'Via:[$second]', 'Record-Route:[$route]', 'From:[$from]', f'To:[$to];tag={tag}',
                '[last_Call-ID:]', 'CSeq: 1 INVITE']
    rows += ['Contact: <sip:bob@[local_ip]:[local_port]>', *headers]
    return f'<send>{message(f"SIP/2.0 {status} Text", rows, body)}</send>'


def request(method, cseq, *headers, body='', tag='[local_ip]-[call_number]'):
    """A request of ours in the dialog."""
    rows = ['Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]', '[routes]', 'Max-Forwards: 70',
            f'From:[$to];tag={tag}', 'To:[$from]', '[last_Call-ID:]', f'CSeq: {cseq} {method}',
            'Contact: <sip:bob@[local_ip]:[local_port]>', *headers]
    return f'<send>{message(f"{method} [next_url] SIP/2.0", rows, body)}</send>'


def answered(status, *expressions):
    """The answer to ours."""
    actions = ''.join(f'<ereg regexp="{pattern}" search_in="body" check_it="true" assign_to="found" />'
                      for _, pattern in expressions)
    final = f'<recv response="{status}"><action>{actions}</action></recv>' if actions else f'<recv response="{status}" />'
    return f'<recv response="100" optional="true" />{final}'


class ScriptedCallee:
    """SIPp at ADDRESS, which plays the steps once."""

    def __init__(self, name, address, folder, steps):
        self.address = address
        text = '\n'.join(steps)
        used = [name for name in ('from', 'to', 'via', 'second', 'route', 'found') if f'"{name}"' in text]
        reference = f'<Reference variables="{",".join(used)}" />' if used else ''
        path = folder / f'{name}.xml'
        path.write_text(f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n{text}\n{reference}\n'
                        '</scenario>\n')
        self.process = Process(name, ['sipp', '-sf', path, '-i', address, '-p', PORT, '-m', 1, '-nostdin', '-trace_err',
                                      '-error_file', folder / f'{name}-errors.log'], folder)

    def start(self):
        self.process.start()
        wait_for(lambda: udp_is_bound(self.address, PORT), f'{self.process.name} listens')

    def wait(self):
        return self.process.wait()

    def stop(self):
        self.process.kill()
