#!/usr/bin/env python3
"""gatepost judge as people call it: odd files, hostile names, batches. Usage: test_judge_command.py GATEPOST

That it decides what a session decides is shown by tests/sim/test_judge.py."""
import fcntl
import functools
import json
import os
import random
import sqlite3
import signal
import struct
import subprocess
import sys
import tempfile
import termios

sys.dont_write_bytecode = True
from kit import check, main, until  # noqa: E402

CONFIGURATION = '''hostname mx1.example.org
listen 192.0.2.10:25, [2001:db8::10]:25, 0.0.0.0:2525
route example.org to smtp://nowhere.invalid:25 tls verified
route lists.example.org to maildir:/nonexistent/%{rcpt.local_part}
state lmdb:/nonexistent/state
spool /nonexistent/spool
recipients lists.example.org from file @DIR@/known
recipients example.net from file @DIR@/missing
route example.net to lmtp:/nonexistent/lmtp
proxy 198.51.100.0/24
limit message_size 300K
policy {
    at rcpt {
        reject 550 5.1.1 "not here" when rcpt.known == false
    }
    at message {
        reject 550 5.7.1 "binary" when message.binary
        reject 550 5.7.1 "subject %{header(\\"Subject\\")}" when header("Subject") == "no"
        defer 451 4.7.1 "tls" when tls
    }
}
'''
MAIL = b'From: <a@example.com>\nSubject: yes\n\ntext\n'
WHO = {'ip': '203.0.113.7', 'helo': 'mail.example.com', 'mail_from': 'a@example.com', 'rcpt': 'b@example.org'}
ONE = ('--ip', '203.0.113.7', '--helo', 'mail.example.com', '--from', 'a@example.com', '--rcpt', 'b@example.org')
AT = '2026-11-26T09:30:00Z'


class Place:
    """A folder with a configuration, and the program."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.write('known', b'anna@lists.example.org\n')
        self.write('gatepost.conf', CONFIGURATION.replace('@DIR@', folder).encode())

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, octets):
        with open(self.path(name), 'wb') as f:
            f.write(octets)
        return self.path(name)

    def run(self, *words, stdin=b''):
        return subprocess.run([self.binary, 'judge', '-c', self.path('gatepost.conf'), *words],
                              input=stdin, capture_output=True, timeout=60, check=False)

    def judge(self, octets, *words, **who):
        """The decision of one message, by standard input."""
        w = dict(WHO, **who)
        rcpts = [w['rcpt']] if isinstance(w['rcpt'], str) else w['rcpt']
        done = self.run('--ip', w['ip'], '--helo', w['helo'], '--from', w['mail_from'],
                        *(x for r in rcpts for x in ('--rcpt', r)), '--json', *words, '-', stdin=octets)
        check(done.returncode == 0, f'{done.returncode}: {done.stderr}')
        return json.loads(done.stdout)

    def batch(self, lines, *words):
        """Exit status, the lines of the output, the totals."""
        text = b''.join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b'\n' for line in lines)
        done = self.run('--at', AT, '--json', *words, '--batch', self.write('batch.jsonl', text))
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, found[:-1], found[-1]['totals'] if found else None


def in_place(case):
    @functools.wraps(case)
    def run(binary):
        with tempfile.TemporaryDirectory(prefix='gatepost-judge-') as folder:
            case(Place(binary, folder))
    return run


@in_place
def odd_files(place):
    """(what the file holds, octets that the session got, verdict, words of a note)"""
    cases = [
        (MAIL, MAIL.replace(b'\n', b'\r\n'), 'accepted', None),
        (MAIL.replace(b'\n', b'\r\n'), MAIL.replace(b'\n', b'\r\n'), 'accepted', None),
        (b'From x Thu Nov 26\n' + MAIL, MAIL.replace(b'\n', b'\r\n'), 'accepted', 'mbox'),
        (b'From x Thu Nov 26\n' + MAIL + b'\nFrom y\n\n', MAIL.replace(b'\n', b'\r\n') + b'..From y....',
         'accepted', 'further messages'),
        (b'From : <a@b>\n\nx\n', b'From : <a@b>....x..', 'accepted', None),
        (MAIL[:-1], MAIL.replace(b'\n', b'\r\n'), 'accepted', 'given its end'),
        (b'', b'', 'accepted', 'no octet'),
        (b'no header', b'no header..', 'accepted', 'given its end'),
        (b'\n', b'..', 'accepted', None),
        (MAIL + b'.\n..\n.x\n', MAIL.replace(b'\n', b'\r\n') + b'...' + b'....' + b'....', 'accepted', None),
        (MAIL + b'a\r\nb\n', MAIL.replace(b'\n', b'\r\n') + b'a..b..', 'accepted', 'LF and in CRLF'),
        (b'Subject: x\r\n\r\na\nb\r\n', b'Subject: x....a.b..', 'refused', 'bare'),
        (MAIL + b'a\rb\n', MAIL.replace(b'\n', b'\r\n') + b'a.b..', 'refused', 'bare'),
        (MAIL + b'a\0b\n', MAIL.replace(b'\n', b'\r\n') + b'a.b..', 'refused', None),
        (MAIL + b'gr\xc3\xbcn\n', MAIL.replace(b'\n', b'\r\n') + b'gr..n..', 'accepted', None),
    ]
    for octets, wire, verdict, note in cases:
        d = place.judge(octets)
        check(d['verdict'] == verdict, f'{octets}: {d}')
        check(d['size'] == len(wire), f'{octets}: {d["size"]} octets, not {len(wire)}')
        notes = d.get('notes', [])
        check(any(note in n for n in notes) if note else not notes, f'{octets}: {notes}')


@in_place
def large(place):
    """More than limit message_size is refused without being read, of a pipe as of a file."""
    mail = MAIL + b'x' * 400_000 + b'\n'
    d = place.judge(mail)
    check((d['verdict'], d['code'], d['phase']) == ('refused', 552, 'mail'), d)
    check(place.judge(mail, '--no-esmtp')['code'] == 552, 'HELO cannot declare it')
    place.write('large.eml', mail)
    status, lines, _ = place.batch([dict(WHO, file='large.eml')])
    check(status == 0 and lines[0]['code'] == 552 and lines[0]['size_declared'] > 400_000, lines)


@in_place
def envelopes(place):
    """Addresses as SMTP has them, the listener, TLS, proxies."""
    check(place.judge(MAIL, mail_from='')['sender'] == '', 'the null reverse-path')
    check(place.judge(MAIL, mail_from='<>')['sender'] == '', 'the same in brackets')
    d = place.judge(MAIL, rcpt='postmaster')
    check(d['recipients'][0]['recipient'] == 'postmaster@example.org', d)
    d = place.judge(MAIL, ip='2001:db8::7')
    check((d['client'], d['listener'], d['local']) == ('2001:db8::7', '[2001:db8::10]:25', '2001:db8::10'), d)
    d = place.judge(MAIL, '--listener', '0.0.0.0:2525', '--local', '192.0.2.99')
    check((d['listener'], d['local']) == ('0.0.0.0:2525', '192.0.2.99'), d)
    check(place.judge(MAIL, ip='198.51.100.9')['verdict'] == 'accepted', 'a proxy as a client')
    d = place.judge(MAIL, '--tls')
    check(d['code'] == 451 and d['tls'].startswith('TLSv1.3') and d['protocol'] == 'ESMTPS', d)
    check(place.judge(MAIL, '--no-esmtp')['protocol'] == 'SMTP', 'HELO')
    check(place.judge(MAIL, '--early')['early'] is True, 'it was early')
    d = place.judge(MAIL, mail_from='gr\u00fcn@example.com')
    check(d['verdict'] == 'accepted' and d['protocol'] == 'UTF8SMTP', d)
    d = place.judge(MAIL, mail_from='no address')
    check(d['verdict'] == 'ended' and d['reply'].startswith('501 5.1.7'), d)
    check(place.judge(MAIL, '--at', AT)['time'].startswith('2026-11-26T09:30:00.'), 'the time')


@in_place
def zones(place):
    """--dns: what it makes of facts, one message told nothing of the one before; and what is wrong with it."""
    place.write('gatepost.conf', CONFIGURATION.replace('policy {', '''policy {
    at mail {
        observe mark when client.name == "" or not sender.exists
    }''').replace('@DIR@', place.folder).encode())
    zone = place.write('zone', b'$ORIGIN example.com.\n@ MX 10 mail\nmail A 203.0.113.7\nslow TIMEOUT\n'
                               b'7.113.0.203.in-addr.arpa. PTR mail\n$LATENCY 300ms\n')

    def facts(d):
        both = [d['facts'][name] for name in ('client.name', 'sender.exists')]
        return [fact.get('value', fact.get('unknown')) for fact in both]

    found = place.judge(MAIL, '--dns', zone)
    check(found['verdict'] == 'accepted' and facts(found) == ['mail.example.com', True], found)
    found = place.judge(MAIL, '--dns', zone, ip='203.0.113.8', mail_from='a@slow.example.com')
    check(facts(found) == ['', 'timeout'], found)
    check(facts(place.judge(MAIL)) == ['not available', 'not available'], 'no DNS')
    told = place.run(*ONE, '--dns', zone, place.write('a.eml', MAIL))
    check(told.returncode == 0 and f'the DNS says what stands in {zone}.'.encode() in told.stdout, told)
    told = place.run(*ONE, place.path('a.eml'))
    check(b'there is no DNS (--dns FILE' in told.stdout, told)
    status, lines, _ = place.batch([dict(WHO, file='a.eml')] * 3, '--dns', zone)
    check(status == 0 and all(facts(d) == ['mail.example.com', True] for d in lines), lines)
    check(lines[0]['facts'] == lines[2]['facts'], 'what the first looked up took the third no less time')
    for text, expected in (
            (b'a A 192.0.2.1\nb  A 192.0.2\n', b':2:6: error: expected an IPv4 address, not "192.0.2"\n    b  A 192'),
            (b'a BLA\n', b':1:3: error: expected a type of record, not "BLA"'),
            (b'a A \x1b[31m\n', b':1:5: error: expected an IPv4 address, not "?[31m"'),
            (b'a TXT "b\n', b':1:9: error: expected " at the string')):
        told = place.run(*ONE, '--dns', place.write('zone', text), place.path('a.eml'))
        check(told.returncode == 2 and told.stdout == b'', told)
        check(told.stderr.startswith(zone.encode() + expected) and b'\x1b' not in told.stderr, told)
    told = place.run(*ONE, '--dns', place.path('nothing'), place.path('a.eml'))
    check(told.returncode == 2 and told.stderr.endswith(b'nothing: No such file or directory\n'), told)
    told = place.run(*ONE, '--dns', place.folder, place.path('a.eml'))
    check(told.returncode == 2 and told.stderr.endswith(b': Is a directory\n'), told)
    with open(place.path('zone'), 'wb') as f:
        f.truncate((64 << 20) + 1)
    told = place.run(*ONE, '--dns', zone, place.path('a.eml'))
    check(told.returncode == 2 and told.stderr.endswith(b'a zone file has 64 MiB at most\n'), told)


@in_place
def recipients(place):
    """A list is used as it is; what it cannot say, and all else, is assumed."""
    d = place.judge(MAIL, rcpt=['anna@lists.example.org', 'bert@lists.example.org', 'c@example.net'])
    found = [(r['verdict'], r['code']) for r in d['recipients']]
    check(found == [('accepted', 250), ('refused', 550), ('accepted', 250)], d)
    known = [r['facts']['rcpt.known'] for r in d['recipients']]
    check([k['value'] for k in known] == [True, False, True], known)
    check([k['source'] for k in known] == ['assumed', 'list', 'assumed'], known)


@in_place
def database(place):
    """The same of a database of recipients, which is only read."""
    path = place.path('users.db')
    with sqlite3.connect(path) as db:
        db.execute('CREATE TABLE users (address TEXT)')
        db.execute("INSERT INTO users VALUES ('dora@db.example')")
    db.close()
    os.chmod(path, 0o444)
    with open(place.path('gatepost.conf'), 'a', encoding='utf-8') as f:
        f.write(f'route db.example to smtp://192.0.2.1:25\nrecipients db.example from sqlite {path} '
                '"SELECT 1 FROM users WHERE address = :address"\n')
    d = place.judge(MAIL, rcpt=['dora@db.example', 'emil@db.example'])
    found = [(r['verdict'], r['facts']['rcpt.known']['source']) for r in d['recipients']]
    check(found == [('accepted', 'assumed'), ('refused', 'list')], d)


@in_place
def harmless(place):
    """Nothing from a message, a name or a batch commands a terminal."""
    evil = '\x1b]0;x\x07\x9b2J\u202e'
    mail = f'From: <a@example.com>\nSubject: {evil}\n\n{evil}\n'.encode()
    name = 'mail\x1b[2J.eml'
    place.write(name, mail)
    words = ['--ip', '203.0.113.7', '--helo', 'x', '--from', '', '--rcpt', 'a@example.org']
    outputs = [place.run(*words, place.path(name)), place.run(*words, '--json', place.path(name)),
               place.run(*words, place.path('gone\x1b[2J.eml')), place.run('--ip', '\x1b[2J')]
    lines = [dict(WHO, file=name, label=evil), dict(WHO, file='gone' + evil), dict(WHO, file=name, ip=evil)]
    text = ''.join(json.dumps(line) + '\n' for line in lines) + evil + '\n'
    batch = place.write('batch\x1b[2J.jsonl', text.encode())
    outputs += [place.run('--batch', batch), place.run('--json', '--batch', batch)]
    for done in outputs:
        said = (done.stdout + done.stderr).decode()
        check(not any(c in said for c in '\x1b\x07\x9b'), repr(said))
    check(b'not judged' in outputs[4].stdout and outputs[4].returncode == 1, outputs[4].stdout)


@in_place
def bad_lines(place):
    """Each has its place in the output, and the others are judged."""
    place.write('a.eml', MAIL)
    place.write('no.eml', MAIL.replace(b'yes', b'no'))
    os.mkfifo(place.path('pipe'))
    good = dict(WHO, file='a.eml', label='ham')
    cases = [
        (good, None), (b'not JSON', 'not JSON'), (b'', None), (b'[1]', 'not an object'), (b'{}', 'missing'),
        (b'\xff\xfe', 'not JSON'), (b'[' * 5000, 'not JSON'), (b'{"file": "a.eml", "file": "b"}', 'twice'),
        (json.dumps(dict(good, size=10**30)).encode(), None), (b'{"size": 1e999}', 'too large'),
        (b'{"file": "a\\u0000b"}', 'NUL'),
        (dict(good, file='gone.eml'), 'No such file'), (dict(good, file='.'), 'directory'),
        (dict(good, file='pipe'), 'regular'), (dict(good, file='/dev/zero'), 'regular'),
        (dict(good, ip='1.2.3'), '"ip"'), (dict(good, ip=7), '"ip"'), (dict(good, rcpt=[]), '"rcpt"'),
        (dict(good, rcpt=[1]), '"rcpt"'), (dict(good, helo=''), '"helo"'), (dict(good, helo='a\nb'), '"helo"'),
        (dict(good, mail_from='a@b> SIZE=1'), '"mail_from"'), (dict(good, rcpt='a@b>\r\nDATA'), '"rcpt"'),
        (dict(good, at='yesterday'), '"at"'), (dict(good, label='x' * 61), '"label"'),
        (dict(good, helo='x' * 1_100_000), '1 MiB'), (dict(good, helo='x' * 2000), None),
        (dict(good, file=place.path('no.eml')), None), (good, None),
    ]
    status, lines, totals = place.batch([line for line, _ in cases])
    expected = [(n, why) for n, (line, why) in enumerate(cases, 1) if line != b'']
    check(status == 1, status)
    check([line['line'] for line in lines] == [n for n, _ in expected], lines)
    for line, (number, why) in zip(lines, expected):
        check(('error' in line) == (why is not None), line)
        check(why is None or why in line['error'], f'{number}: {line}, not {why}')
    check(lines[-1]['verdict'] == 'accepted' and lines[-2]['rule'].endswith('gatepost.conf:18'), lines[-2:])
    wrong = sum(why is not None for _, why in expected)
    check(totals['messages'] == len(expected) and totals['verdicts']['error'] == wrong, totals)
    rules = {r['rule']: r['verdicts'] for label in totals['labels'] for r in label['rules']}
    check(any(rule.endswith(':18') and v == {'refused': 1} for rule, v in rules.items()), rules)


@in_place
def left_out(place):
    """What a line leaves out, or says is null, the options say for all; what nobody says is told."""
    place.write('a.eml', MAIL)
    members = {'ip': '--ip', 'helo': '--helo', 'mail_from': '--from', 'rcpt': '--rcpt'}
    lines = [dict(WHO, file='a.eml', label=None, at=None)]
    for member in members:
        lines.append({k: v for k, v in lines[0].items() if k != member})
        lines.append(dict(lines[0], **{member: None}))
    status, found, _ = place.batch(lines)
    check(status == 1 and 'error' not in found[0], found[0])
    for line, (member, option) in zip(found[1:], [m for m in members.items() for _ in range(2)]):
        check(f'"{member}" is missing, and there is no {option}' == line.get('error'), line)
    options = ['--ip', '198.51.100.9', '--helo', 'all.example', '--from', '', '--rcpt', 'two@example.org', '--rcpt',
               'three@example.org']
    status, found, _ = place.batch(lines, *options)
    check(status == 0, found)
    usual = found[0]
    check(usual['client'] == WHO['ip'] and usual['helo'] == WHO['helo'], usual)
    check([line['client'] for line in found[1:3]] == ['198.51.100.9'] * 2, found[1:3])
    check([line['helo'] for line in found[3:5]] == ['all.example'] * 2, found[3:5])
    check([line['sender'] for line in found[5:7]] == [''] * 2, found[5:7])
    for line in found[7:]:
        check([r['recipient'] for r in line['recipients']] == ['two@example.org', 'three@example.org'], line)
    check(place.run('--batch', 'x', place.path('a.eml')).returncode == 2, 'a message beside a batch')


@in_place
def order(place):
    """A batch says the same in the same order with any number of processes; no line tells of another."""
    for i in range(7):
        place.write(f'{i}.eml', MAIL + b'x\n' * 3000 * i)
    lines = [dict(WHO, file=f'{i % 7}.eml', label=f'l{i % 3}') for i in range(900)]
    text = ''.join(json.dumps(line) + '\n' for line in lines)
    batch = place.write('many.jsonl', text.rstrip('\n').encode())
    words = [place.binary, 'judge', '-c', place.path('gatepost.conf'), '--at', AT, '--json', '--batch', batch]
    cpu = str(min(os.sched_getaffinity(0)))
    many = subprocess.run(words, capture_output=True, timeout=60, check=True).stdout
    one = subprocess.run(['taskset', '-c', cpu, *words], capture_output=True, timeout=60, check=True).stdout
    check(many == one, 'two processes and one do not say the same')
    found = [json.loads(line) for line in many.splitlines()]
    check([line['line'] for line in found[:-1]] == list(range(1, 901)), 'the order')
    for line in found[:-1]:
        first = found[(line['line'] - 1) % 7]
        same = {k: v for k, v in line.items() if k not in ('line', 'label')}
        check(same == {k: v for k, v in first.items() if k not in ('line', 'label')}, line)
    check({x['label']: x['messages'] for x in found[-1]['totals']['labels']} == {'l0': 300, 'l1': 300, 'l2': 300},
          found[-1])


@in_place
def lengths(place):
    """Lines of all lengths, and where a file's end, a chunk's and a line's fall together."""
    rng = random.Random(17)
    place.write('a.eml', MAIL)
    for end in (b'\n', b''):
        lines, lost = [], set()
        for number in range(1, 200):
            more = rng.choice([0, 0, 10, 5000, 65000, 65536, 300_000, 1_048_000, 1_048_576, 1_500_000])
            line = json.dumps(dict(WHO, file='a.eml', more='x' * more)).encode()
            lost |= {number} if len(line) > 1048576 else set()
            lines.append(line)
        batch = place.write('lengths.jsonl', b'\n'.join(lines) + end)
        done = place.run('--json', '--batch', batch)
        found = [json.loads(line) for line in done.stdout.splitlines()][:-1]
        check([line['line'] for line in found] == list(range(1, 200)), 'a line is missing')
        check({line['line'] for line in found if 'error' in line} == lost, lost)
        check(all('1 MiB' in line['error'] for line in found if 'error' in line), found)


@in_place
def empty_and_missing(place):
    status, lines, totals = place.batch([])
    check((status, lines, totals['messages']) == (0, [], 0), totals)
    check(place.run('--batch', place.path('nowhere')).returncode == 1, 'no such batch')
    check(place.run('--batch', place.folder).returncode == 1, 'a folder')
    full = subprocess.run(f'{place.binary} judge -c {place.path("gatepost.conf")} --batch '
                          f'{place.path("batch.jsonl")} >/dev/full', shell=True, capture_output=True, check=False)
    check(full.returncode == 1 and b'cannot write' in full.stderr, full.stderr)


@in_place
def wrong_usage(place):
    whole = ['--ip', '192.0.2.7', '--helo', 'x', '--from', 'a@b', '--rcpt', 'c@example.org', 'file']
    cases = [(whole[2:], '--ip'), (whole[:2] + whole[4:], '--helo'), (whole[:4] + whole[6:], '--from'),
             (whole[:6] + whole[8:], '--rcpt'), (whole[:-1], 'MESSAGE'), (['--ip', '1.2.3', *whole], '1.2.3'),
             (['--at', 'noon', *whole], 'noon'), (['--listener', '1.2.3.4:25', *whole], '1.2.3.4:25'),
             (['--from', 'a@b> X', *whole], 'a@b> X'), (['--rcpt', 'a\nb', *whole], '--rcpt'),
             (['--helo', '', *whole], '--helo'), (['--batch', 'x', *whole], '--batch'), (['--bogus'], '--bogus'),
             ([*whole, 'two'], 'two'), (['--at'], '--at'), (['--tls', '--no-esmtp', *whole], '--no-esmtp')]
    for words, named in cases:
        done = place.run(*words)
        check(done.returncode == 2 and named.encode() in done.stderr and b'usage:' in done.stderr,
              f'{words}: {done.returncode} {done.stderr}')
        check(done.stdout == b'', done.stdout)
    check(place.run(*whole).returncode == 1, 'no such file')
    check(not os.path.exists('/nonexistent'), 'something was written')


@in_place
def process_dies(place):
    """One of a batch's processes is killed while it writes: that is told, and no total is given."""
    place.write('mail.eml', MAIL)
    batch = place.write('batch.jsonl', (json.dumps(dict(WHO, file='mail.eml')) + '\n').encode() * 3000)

    def waiting(pipe):
        return struct.unpack('i', fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]

    with subprocess.Popen([place.binary, 'judge', '-c', place.path('gatepost.conf'), '--json', '--batch', batch],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            until(lambda: waiting(process.stdout) > 32768, 'a pipe that is full')
            with open(f'/proc/{process.pid}/task/{process.pid}/children', encoding='ascii') as f:
                os.kill(int(f.read().split()[0]), signal.SIGKILL)
            said, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    check(process.returncode == 1 and b'ended by signal 9' in errors, f'{process.returncode} {errors}')
    check(b'totals' not in said, said[-300:])


CASES = [odd_files, large, envelopes, zones, recipients, database, harmless, bad_lines, process_dies, left_out, order, lengths,
         empty_and_missing, wrong_usage]

if __name__ == '__main__':
    sys.exit(main(CASES))
