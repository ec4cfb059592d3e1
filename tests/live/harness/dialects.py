"""What Asterisk (20, chan_pjsip) and FreeSWITCH (1.10, mod_sofia) write, as public traces of theirs have it, and a carrier's
server: each is put together step by step, and played by SIPp."""
from .expect import expect_equal
from .waiting import Process, udp_is_bound, wait_for

NUMBER = '+4930123456'
DOMAIN = 'example.test'
TAG = '[pid]x[call_number]'


class Words:
    """How one kind of device writes. REQUEST and RESPONSE are its header lines in their order; "{headers}" stands for those
    of the one message."""

    def __init__(self, port, contact, request, response, sdp):
        self.port, self.contact, self.request, self.response, self.sdp = port, contact, request, response, sdp

    def description(self, address='[local_ip]', version=1, direction='sendrecv'):
        return self.sdp.format(address=address, version=version, direction=direction)


ASTERISK_ALLOW = ('Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, '
                  'MESSAGE, REFER')
ASTERISK_SUPPORTED = 'Supported: 100rel, timer, replaces, norefersub, histinfo'
ASTERISK = Words(
    5060, '<sip:asterisk@[local_ip]:[local_port]>',
    ['Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]', 'From: {local}', 'To: {remote}',
     'Contact: {contact}', 'Call-ID: [call_id]', 'CSeq: {cseq}', '{routes}', '{headers}', 'Max-Forwards: 70',
     'User-Agent: Asterisk PBX 20.6.0'],
    ['{vias}', '{routes}', 'Call-ID: [call_id]', '{sender}', '{asked}', '{cseq}', 'Server: Asterisk PBX 20.6.0',
     'Contact: <sip:[local_ip]:[local_port]>', '{headers}'],
    'v=0\no=- 592907310 {version} IN IP4 {address}\ns=Asterisk\nc=IN IP4 {address}\nt=0 0\nm=audio 20716 RTP/AVP 8 0 101\n'
    'a=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\na=ptime:20\n'
    'a=maxptime:140\na={direction}\n')

FREESWITCH_ALLOW = ('Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY, PUBLISH, '
                    'SUBSCRIBE')
FREESWITCH_SUPPORTED = 'Supported: timer, path, replaces'
FREESWITCH_EVENTS = 'Allow-Events: talk, hold, conference, presence, as-feature-event, dialog, line-seize, call-info, refer'
FREESWITCH = Words(
    5080, '<sip:gw+keepline@[local_ip]:[local_port];transport=udp;gw=keepline>',
    ['Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]', '{routes}', 'Max-Forwards: 70', 'From: {local}',
     'To: {remote}', 'Call-ID: [call_id]', 'CSeq: {cseq}', 'Contact: {contact}',
     'User-Agent: FreeSWITCH-mod_sofia/1.10.12-release~64bit', '{headers}'],
    ['{vias}', '{routes}', '{sender}', '{asked}', 'Call-ID: [call_id]', '{cseq}', 'Contact: {contact}',
     'User-Agent: FreeSWITCH-mod_sofia/1.10.12-release~64bit', 'Accept: application/sdp', '{headers}'],
    'v=0\no=FreeSWITCH 1642028306 {version} IN IP4 {address}\ns=FreeSWITCH\nc=IN IP4 {address}\nt=0 0\n'
    'm=audio 16170 RTP/AVP 8 0 101\na=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\n'
    'a=fmtp:101 0-15\na={direction}\na=rtcp:16171 IN IP4 {address}\na=silenceSupp:off - - - -\na=ptime:20\n')

CARRIER_ROUTE = '<sip:[local_ip]:[local_port];lr;ftag=7e8;did=a19.a2e59>'
CARRIER = Words(
    5060, '<sip:switch-12@[local_ip]:[local_port];did=8e9.2344>',
    ['Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]', 'Max-Forwards: 66', 'From:  {local}', 'To: {remote}',
     'Call-ID: [call_id]', 'CSeq: {cseq}', 'Contact: {contact}', '{routes}', '{headers}', 'k: timer,100rel',
     'X-Carrier-Id: 4;b="c  d"'],
    ['{vias}', '{routes}', '{sender}', '{asked}', 'Call-ID: [call_id]', '{cseq}', 'Contact: {contact}',
     '{headers}', 'Server: carrier'],
    'v=0\no=carrier 1 {version} IN IP4 {address}\ns=-\nc=IN IP4 {address}\nt=0 0\nm=audio 41604 RTP/AVP 8 101\n'
    'a=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na={direction}\na=rtcp:41605\n')


def text_of(first, order, headers, body, values):
    """A whole message: its first line, its header lines in their ORDER, and its BODY, which is (type, text)."""
    lines = [first]
    for line in order:
        lines += headers if line == '{headers}' else [line.format(**values)]
    lines = [line for line in lines if line]
    if body:
        lines += [f'Content-Type: {body[0]}', 'Content-Length:   [len]', '', *body[1].split('\n')]
    else:
        lines += ['Content-Length:  0', '', '']
    return '\n'.join(lines)


class Side:
    """One side of a call, or of something else that has one Call-ID. LOCAL and REMOTE are the values of its From and To; of
    one who is called they are those of the INVITE. Each method adds what SIPp does next."""

    def __init__(self, words, local=None, remote=None, number=1):
        self.words, self.number, self.invite_number = words, number, number
        self.is_caller = local is not None
        self.local = f'{local};tag={TAG}' if self.is_caller else f'[$to];tag={TAG}'
        self.remote = remote if self.is_caller else '[$from]'
        self.is_up = self.is_caller
        self.is_tagged = True  # To of what came last
        self.steps, self.variables, self.asked = [], set(), ''

    def send(self, text, is_repeated):
        repeats = ' retrans="500"' if is_repeated else ''
        self.steps.append(f'<send{repeats}><![CDATA[\n{text}\n]]></send>')

    # Requests.

    def ask(self, method, *headers, uri=None, body=None, contact=None):
        """Sends a request: outside dialogs if URI is given."""
        if method not in ('ACK', 'CANCEL'):
            self.number += 1
        if method == 'INVITE':
            self.invite_number = self.number
        self.asked = method if method != 'PRACK' else 'INVITE'
        number = self.invite_number if method in ('ACK', 'CANCEL') else self.number
        values = {'local': self.local, 'cseq': f'{number} {method}', 'routes': '' if uri else '[routes]',
                  'remote': self.remote + ('[peer_tag_param]' if self.is_caller and not uri else ''),
                  'contact': contact or self.words.contact}
        self.send(text_of(f'{method} {uri or "[next_url]"} SIP/2.0', self.words.request, headers, body, values),
                  method != 'ACK')

    def ask_proven(self, method, *headers, user, password, status=407, **more):
        """Sends it, is challenged, and sends it again with credentials: for the URI that SIPp's command line tells."""
        self.ask(method, *headers, **more)
        self.get(status, challenges=True)
        if method == 'INVITE':
            self.ask('ACK', uri=more['uri'])
        self.ask(method, f'[authentication username={user} password={password}]', *headers, **more)

    def get(self, status, *, is_reliable=False, challenges=False):
        """Its answer; 100 may come before. The RSeq of a reliable one is kept for a PRACK."""
        attributes = 'auth="true"' if challenges else 'rrs="true"' if self.asked == 'INVITE' else ''
        keep = '<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq" />'
        self.variables.update(['rseq'] if is_reliable else [])
        self.steps += ['<recv response="100" optional="true" />',
                       f'<recv response="{status}" {attributes}><action>{keep}</action></recv>' if is_reliable
                       else f'<recv response="{status}" {attributes} />']

    # Answers.

    def hear(self, method):
        """A request comes. Of an INVITE is kept what its later answers need, and of the first one who the other side is."""
        kept = []
        self.is_tagged = self.is_up or method != 'INVITE'
        if not self.is_tagged:
            kept = ('From', 'from'), ('To', 'to'), ('CSeq', 'number'), ('Via', 'via')
        actions = ''.join(f'<ereg regexp="[^ ].*" search_in="hdr" header="{header}:" assign_to="{name}" />'
                          for header, name in kept)
        self.variables.update(name for _, name in kept)
        learns = ' rrs="true"' if method == 'INVITE' else ''
        self.steps.append(f'<recv request="{method}"{learns}' + (f'><action>{actions}</action></recv>' if kept else ' />'))

    def reply(self, status, *headers, body=None, routes='[last_Record-Route:]', to_invite=False):
        """Answers what came last, or TO_INVITE, which came before that over one hop."""
        values = {'vias': '[last_Via:]', 'routes': routes, 'sender': '[last_From:]', 'cseq': '[last_CSeq:]',
                  'asked': '[last_To:]' if self.is_tagged else f'[last_To:];tag={TAG}',
                  'contact': self.words.contact}
        if to_invite:
            values |= {'vias': 'Via: [$via]', 'sender': 'From: [$from]', 'asked': f'To: {self.local}', 'cseq': 'CSeq: [$number]'}
        accepts = status.startswith('2') and (to_invite or not self.is_tagged)
        self.is_up |= accepts
        self.send(text_of(f'SIP/2.0 {status}', self.words.response, headers, body, values), accepts)


class Player:
    """SIPp at ADDRESS, which plays a side once; OPTIONS are SIPp's."""

    def __init__(self, name, side, address, folder, *options):
        self.address, self.port, self.side = address, side.words.port, side
        used = f'<Reference variables="{",".join(sorted(side.variables))}" />' if side.variables else ''
        path = folder / f'{name}.xml'
        path.write_text('<?xml version="1.0" encoding="ISO-8859-1" ?>\n' + f'<scenario name="{name}">\n' +
                        '\n'.join([*side.steps, used]) + '\n</scenario>\n')
        self.process = Process(name, ['sipp', '-sf', path, '-i', address, '-p', self.port, '-m', 1, '-nostdin', '-trace_err',
                                      '-error_file', folder / f'{name}-errors.log', *options], folder)

    def start(self):
        self.process.start()
        if not self.side.is_caller:
            wait_for(lambda: udp_is_bound(self.address, self.port), f'{self.process.name} listens')

    def expect_done(self, within_s=20):
        expect_equal(f'{self.process.name}: exit status', self.process.wait(within_s), 0)
