#!/usr/bin/env python3
"""`gatepost judge` decides what a session decides. Usage: test_judge.py GATEPOST PLAY_ENVELOPES

500 messages: real ones from ../shared/data/mail (or $GATEPOST_DATA) where that is there, else made
up. Each is given to `gatepost judge --batch`, and comes over SMTP, by a client that shares nothing
with judge's, to a pretended host in the simulated world whose next hop takes everything. What is
decided must be the same, fact by fact. Most of them have a DNS, by a zone file that both read, where
some names fail and others are silent. Which messages, from whom and to whom, and what the DNS says is
the seed's choice, so that a failure can be had again.
"""
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

GATEPOST, PLAYER = (Path(p).resolve() for p in sys.argv[1:3])
SEED = 20261126
MESSAGES = 500
EARLY, TLS = 20, 25            # of them, by options of the command line
NO_DNS = 80
SETS = ('lists', 'csdmc', 'phishing')
NOON = 1795348800              # 2026-11-22 12:00:00 UTC

CONFIGURATION = r'''
hostname mx.example
listen 192.0.2.10:25
route example.org, lists.example.org, .example.net to smtp://192.0.2.25:25
route example.com to smtp://192.0.2.25:25
limit message_size 300K
limit received 12

table friends { 82.195.75.0/24, 2001:db8:7::/48, .google.com }
table traps { /^trap/, trap@example.org }
set slow = 4s

policy {
    at connect {
        trust all when client.ip in 82.195.75.0/24
        wait slow
        reject 554 5.5.0 "you spoke before the greeting" when client.early
        doubt 1 "at night" when time.hour < 6
        observe drop "not this one" when client.ip in 10.0.0.0/8
        observe reject "%{client.ip} has no name" when client.name == ""
        doubt 1 "listed: %{dnsbl.reason(list.example)}" when dnsbl("list.example")
        defer now 421 4.7.0 "too many" when client.sessions > 1
    }
    at helo {
        doubt 2 "its name %{helo} is %{helo.form}" unless helo.form == domain
        reject 550 5.7.1 "you are not us" when helo.mine
        wait 3s when doubt >= 2
        doubt 1 "nobody is %{helo}" when not helo.resolves
        observe reject "somebody else is %{helo}" unless helo.matches
        mark "X-Tls: %{tls.version}" when tls
        drop 421 4.7.0 "no %{helo}" when helo == "drop.example"
    }
    at mail {
        doubt 1 "no sender" when sender.null
        reject 550 5.7.27 "%{sender.domain} takes no mail" when sender.null_mx
        defer 451 4.1.8 "there is no %{sender.domain}" when not sender.exists
        doubt 1 "nobody can say" when unknown(sender.exists)
        reject 550 5.7.23 "SPF: %{spf.explanation}" when spf == fail and sender.domain in { .com }
        doubt 1 "SPF: %{spf}, %{spf.problem}" when spf == softfail or spf == permerror
        reject 550 5.7.1 "nobody of %{sender.domain}" when sender.domain in { .ru, .top }
        defer 451 4.7.1 "large mail at another time" when size.declared > 200K
        observe reject "ours" when sender.mine
        defer now 451 4.7.1 "not now, %{sender}" when sender ~ "^later"
    }
    at rcpt {
        pass when rcpt == "friend@example.org"
        trust all when rcpt == "abuse@example.org"
        reject 550 5.1.1 "a trap: %{rcpt}" when rcpt in traps
        reject "%{rcpt.answer}" when rcpt.known == false
        defer "%{why}" when unknown(rcpt.known)
        doubt 1 "the third" when rcpt.count >= 2
        wait 2s when rcpt.failures > 0
        ban 60s when rcpt.failures > 2
    }
    at message {
        observe mark "X-Signed: %{dkim.domains}" when dkim == pass
        observe mark "X-Signatures: %{dkim.results}" unless dkim == none
        reject 550 5.7.1 "DMARC of %{dmarc.domain}" when dmarc == fail and dmarc.policy == reject
        doubt 1 "DMARC: %{dmarc}" when dmarc == temperror or dmarc == permerror
        pass when header("List-Id") != "" and doubt < 2
        reject 550 5.6.0 "several From fields" when header.count("From") > 1
        doubt 1 "no Message-ID" when header.missing("Message-ID")
        doubt 1 "html and nothing else" when header("Content-Type") ~ "(?i)^text/html"
        reject 550 5.7.1 "subject: %{header(\"Subject\")}" when header("Subject") ~ "(?i)viagra|lottery|verify your"
        observe reject "long lines" when message.longest_line > 998
        defer 451 4.7.1 "binary" when message.binary and size < 4K
        junk when doubt >= 4
        drop 554 5.7.1 "%{why}" when doubt >= 3 and sender.null
        mark when doubt >= 2
        doubt 1 "it came far" when received.count > 8
    }
}
'''


def wire_form(octets):
    """The octets as a mailer sends them, worked out apart from how judge does it."""
    if re.match(rb'From [^ :]', octets):
        octets = octets.partition(b'\n')[2]
    first = octets.partition(b'\n')[0]
    if b'\n' in octets and not first.endswith(b'\r'):
        octets = re.sub(rb'(?<!\r)\n', b'\r\n', octets)
    if octets and not octets.endswith(b'\n'):
        octets += b'\r\n'
    return octets


def made_up(rng):
    """A message of our own, which may be odd."""
    words = ['Verify your account', 'hello', 'lottery', 'minutes', 'Re: the plan', 'viagra']
    lines = [f'From: <{rng.choice("abc")}@example.com>', f'Subject: {rng.choice(words)}']
    lines += ['Message-ID: <1@example.com>'] * rng.randrange(2)
    lines += ['From: <second@example.com>'] * (rng.random() < 0.1)
    lines += ['Received: from a by b; now'] * rng.choice([0, 1, 5, 9, 14])
    lines += ['List-Id: <l.example.com>'] * (rng.random() < 0.2)
    lines += ['Content-Type: text/html'] * (rng.random() < 0.3) + ['']
    lines += ['.', '..', 'text ' * rng.choice([1, 20, 300]), 'Grüße'][:rng.randrange(5)]
    lines += ['x' * 75] * rng.choice([0, 3, 3000, 5000])
    text = rng.choice(['\n', '\r\n']).join(lines).encode() + rng.choice([b'', b'\n', b'\r\n'])
    odd = rng.random()
    if odd < 0.05:
        text += b'a bare \r in it\r\n'
    elif odd < 0.1:
        text += b'a NUL \0 in it\n'
    elif odd < 0.13:
        text = b''
    elif odd < 0.2:
        text = b'From somebody Thu Nov 26 09:30:00 2026\n' + text
    elif odd < 0.23:
        text = b'no header at all'
    return text


def data_folder():
    here = os.environ.get('GATEPOST_DATA')
    return (Path(here) if here else Path(__file__).resolve().parents[2].parent / 'shared/data') / 'mail'


def real_messages(rng, count):
    """[(name, octets, request)] of what real mail there is, and what was passed over."""
    folder = data_folder()
    known = []
    for name in SETS:
        if not (folder / f'{name}.tar.xz').exists():
            print(f'# skipped: no {name} in {folder}')
            continue
        requests = {r['file']: r for r in map(json.loads, open(folder / f'{name}.jsonl'))}
        chosen = set(rng.sample(sorted(requests), min(count // len(SETS), len(requests))))
        with tarfile.open(folder / f'{name}.tar.xz') as tar:
            for member in tar:
                if member.name in chosen:
                    known.append((member.name, tar.extractfile(member).read(), requests[member.name]))
    return known


def usable(text):
    return isinstance(text, str) and re.fullmatch(r"[\w.+=/-]+@[\w.-]+\w", text)


def envelope(rng, request):
    """Who sends it: what the set tells, where that can be said, or else made up; to whom is ours."""
    ip = request.get('ip', '')
    if not re.fullmatch(r'(\d{1,3}\.){3}\d{1,3}', ip) or max(map(int, ip.split('.'))) > 255:
        ip = rng.choice(['203.0.113.9', '10.1.2.3', '2001:db8::9', '82.195.75.100'])
    helo = request.get('helo', '')
    if not re.fullmatch(r'[\x21-\x7e]{1,200}', helo) or rng.random() < 0.1:
        helo = rng.choice(['mail.example.com', 'label', '[192.0.2.9]', '192.0.2.9', 'drop.example',
                           'MX.example', 'a_b.example', '[192.0.2.10]', 'not$valid'])
    sender = request.get('mail_from', '')
    if not usable(sender) or rng.random() < 0.15:
        sender = rng.choice(['', 'a@example.com', 'me@example.org', 'x@y.ru', 'later@example.com',
                             'grün@example.com', 'bad address', 'a%b@c.example'])
    rcpt = rng.sample(['user@example.org', 'friend@example.org', 'abuse@example.org', 'trap1@example.org',
                       'postmaster', 'a@b.lists.example.org', 'x@sub.example.net', 'nobody@elsewhere.test',
                       'user%host@example.org', '"a b"@example.com', 'grün@example.com', 'Trap@example.org',
                       'second@example.com', 'third@example.com'], rng.choice([1, 1, 1, 2, 3, 6]))
    at = NOON + rng.randrange(86400)
    return {'ip': ip, 'helo': helo, 'mail_from': sender, 'rcpt': rcpt, 'at': at}


def is_name(text):
    return re.fullmatch(r'[\w-]{1,63}(\.[\w-]{1,63})+', text, re.ASCII)


def text_record(name, text):
    parts = [text[at:at + 255].replace('\\', '\\\\').replace('"', '\\"') for at in range(0, len(text), 255)]
    return f'{name} TXT ' + ' '.join(f'"{part}"' for part in parts)


def authorised(rng, domain, ip):
    """What a domain says of who sends its mail."""
    spf = rng.choice([None, None, f'v=spf1 ip{6 if ":" in ip else 4}:{ip} -all', 'v=spf1 -all', 'v=spf1 mx ~all',
                      'v=spf1 include:slow.test -all', 'v=spf1 exp=why.test -all', 'v=spf1 nonsense',
                      'v=spf1 a ptr ?all'])
    dmarc = rng.choice([None, None, 'v=DMARC1; p=none', 'v=DMARC1; p=reject', 'v=DMARC1; p=quarantine; t=y'])
    return [text_record(name, text) for name, text in ((domain, spf), (f'_dmarc.{domain}', dmarc)) if text]


def keys(rng):
    """Of the real messages' signatures; some are lost, some fail."""
    path = data_folder() / 'lists.keys.json'
    known = json.loads(path.read_text()) if path.exists() else {}
    for name, text in sorted(known.items()):
        yield rng.choice([f'{name} SERVFAIL', f'{name} A 192.0.2.1', *[text_record(name, text)] * 6])


def zone_of(rng, requests):
    """What the DNS says of clients, their HELO names and their senders: good, bad, and nothing."""
    lines = ['$LATENCY 40ms', '$TTL 60', '2.0.0.127.list.example A 127.0.0.2', 'slow.test TIMEOUT',
             text_record('why.test', '%{i} may not send for %{d}'), *keys(rng)]
    for number, ip in enumerate(sorted({r['ip'] for r in requests})):
        reverse = ipaddress.ip_address(ip).reverse_pointer
        kind = 'AAAA' if ':' in ip else 'A'
        listed = reverse.rpartition('.')[0].rpartition('.')[0] + '.list.example'
        lines += rng.choice([
            [], [f'{reverse} SERVFAIL'], [f'{reverse} TIMEOUT'],
            [f'{reverse} PTR other{number}.example', f'other{number}.example A 192.0.2.200'],
            [f'{reverse} PTR slow{number}.example', f'slow{number}.example TIMEOUT'],
            *[[f'{reverse} PTR c{number}.example', f'c{number}.example {kind} {ip}']] * 4])
        lines += rng.choice([[], [], [f'{listed} A 127.0.0.3', f'{listed} TXT "by {number}"'], [f'{listed} SERVFAIL']])
    for helo in sorted({r['helo'].lower() for r in requests if is_name(r['helo'])}):
        ip = rng.choice([r['ip'] for r in requests if r['helo'].lower() == helo])
        lines += rng.choice([[], [f'{helo} A 192.0.2.201'], [f'{helo} SERVFAIL'], [f'{helo} BOGUS A'],
                             *[[f'{helo} {"AAAA" if ":" in ip else "A"} {ip}']] * 4])
    for domain in sorted({r['mail_from'].rpartition('@')[2].lower() for r in requests}):
        if is_name(domain):
            lines += rng.choice([[], [f'{domain} MX 0 .'], [f'{domain} SERVFAIL'], [f'{domain} TIMEOUT MX'],
                                 *[[f'{domain} MX 10 mail.test', 'mail.test A 192.0.2.202']] * 8])
            lines += authorised(rng, domain, rng.choice(
                [r['ip'] for r in requests if r['mail_from'].lower().endswith('@' + domain)]))
    return ''.join(line + '\n' for line in lines)


# What a rehearsal cannot have in common with a conversation: when, where it is written, and the words
# of a hop that was not asked.
NEVER_SAME = {'id', 'time', 'run', 'worker', 'epoch', 'sequence', 'duration_us', 'timeline_us', 'at_us',
              'hop', 'hop_tls', 'hop_tls_unused', 'failed_hops', 'hop_reply', 'line', 'file', 'label',
              'notes', 'reply', 'ms', 'source', 'tls', 'route', 'policy'}


def comparable(value):
    if isinstance(value, dict):
        kept = {k: comparable(v) for k, v in value.items() if k not in NEVER_SAME}
        if value.get('code') == 250:
            kept.pop('text', None)
            kept.pop('enhanced', None)
        return kept['value'] if set(kept) == {'value'} else kept
    return [comparable(v) for v in value] if isinstance(value, list) else value


def play(folder, conf, requests, options, zone):
    lines = ''.join(json.dumps(dict(r, at=r['at'] * 1000000)) + '\n' for r in requests)
    words = [o.removeprefix('--') for o in options] + ([f'dns={zone}'] if zone else [])
    done = subprocess.run([PLAYER, conf, *words], input=lines, capture_output=True, text=True,
                          cwd=folder, check=False)
    if done.returncode != 0:
        sys.exit(f'play_envelopes: {done.stderr}')
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(folder, conf, requests, options, zone):
    options = [*options, *(['--dns', zone] if zone else [])]
    batch = folder / 'batch.jsonl'
    times = subprocess.run(['date', '-u', '-f', '-', '+%Y-%m-%dT%H:%M:%SZ'], capture_output=True, text=True,
                           check=True, input=''.join(f'@{r["at"]}\n' for r in requests)).stdout.split()
    batch.write_text(''.join(json.dumps(dict(r, at=t)) + '\n' for r, t in zip(requests, times)))
    done = subprocess.run([GATEPOST, 'judge', '-c', conf, '--json', *options, '--batch', batch],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f'gatepost judge: {done.returncode}: {done.stderr}\n{done.stdout[-2000:]}')
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(lines[-1]) == ['totals'] and lines[-1]['totals']['messages'] == len(requests)
    return lines[:-1]


def compare(requests, played, judged):
    """How many were the same; prints those that were not."""
    assert len(requests) == len(played) == len(judged), (len(requests), len(played), len(judged))
    same = 0
    for request, a, b in zip(requests, played, judged):
        cut = any('larger than' in note for note in b.get('notes', []))
        a, b = comparable(a), comparable(b)
        if cut: # judge does not read more than it must, and declares at least so much
            assert (a.pop('size_declared', 0) > 300 * 1024) == (b.pop('size_declared', 0) > 300 * 1024)
        same += a == b
        if a != b:
            print(f'# {json.dumps(request)}')
            for key in sorted(set(a) | set(b)):
                if a.get(key) != b.get(key):
                    print(f'#   {key}: session {a.get(key)!r}, judge {b.get(key)!r}')
    return same


def write_down(folder, messages):
    for number, (name, octets, request) in enumerate(messages):
        (folder / f'{number}.eml').write_bytes(octets)
        (folder / f'{number}.wire').write_bytes(wire_form(octets))
        yield dict(request, file=f'{number}.eml', wire=f'{number}.wire', name=name)


def main():
    rng = random.Random(SEED)
    real = real_messages(rng, MESSAGES - 110)
    messages = [(name, octets, envelope(rng, request)) for name, octets, request in real]
    for number in range(MESSAGES - len(messages)):
        messages.append((f'made up {number}', made_up(rng), envelope(rng, {})))
    rng.shuffle(messages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        conf = folder / 'test.conf' # as the simulated host calls its own
        conf.write_text(CONFIGURATION)
        requests = list(write_down(folder, messages))
        for request in requests[:EARLY]: # who does not have to wait has no time to be early
            request['ip'] = '203.0.113.9'
        zone = folder / 'zone'
        zone.write_text(zone_of(rng, requests))
        parts = [(requests[:EARLY], ['--early'], None), (requests[EARLY:EARLY + TLS], ['--tls'], zone),
                 (requests[EARLY + TLS:EARLY + TLS + NO_DNS], [], None), (requests[EARLY + TLS + NO_DNS:], [], zone)]
        same, verdicts = 0, {}
        for part, options, dns in parts:
            judged = judge(folder, conf, part, options, dns)
            same += compare(part, play(folder, conf, part, options, dns), judged)
            for line in judged:
                rule = line.get('rule', '-')
                verdicts[line['verdict'], rule] = verdicts.get((line['verdict'], rule), 0) + 1
    print(f'# {len(real)} real messages, {MESSAGES - len(real)} made up')
    for (verdict, rule), count in sorted(verdicts.items()):
        print(f'# {count:4} {verdict} {rule}')
    # A policy that always says the same would prove nothing.
    varied = len(verdicts) >= 12
    print(f'{same + varied} passed, {MESSAGES - same + (not varied)} failed')
    return 0 if same == MESSAGES and varied else 1


if __name__ == '__main__':
    sys.exit(main())
