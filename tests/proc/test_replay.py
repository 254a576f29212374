#!/usr/bin/env python3
"""What real conversations leave in the journal, judged anew by `gatepost replay` and counted by
`gatepost rules`. Usage: test_replay.py GATEPOST [NAME…]"""
import json
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
from kit import PATIENCE, Gatepost, check, main, until  # noqa: E402

POLICY = """{
    at connect {
        wait 300ms
        doubt 1 "spoke early" when client.early
    }
    at helo {
        reject 550 5.7.1 "that is my name" when helo.mine
        doubt 2 "no name" when helo.form == label
    }
    at mail {
        defer 451 4.7.1 "later" when sender.domain == "slow.test"
    }
    at rcpt {
        reject 550 5.7.1 "not you" when rcpt == "nobody@example.org"
        defer now 421 4.7.0 "enough" when rcpt.failures >= 2
        observe reject "doubted" when doubt > 1
    }
    at message {
        reject 550 5.7.1 "%{why}" when header("Subject") == "offer" and doubt >= 2
        junk when header("Subject") == "offer"
    }
}"""


class Mailing(Gatepost):
    """Its journal, and clients of all kinds."""

    def talk(self, helo, sender, boxes, subject):
        s = self.session()
        s.say(f'EHLO {helo}')
        s.say(f'MAIL FROM:<{sender}>')
        taken = [s.say(f'RCPT TO:<{box}@example.org>')[:1] == '2' for box in boxes]
        if any(taken):
            s.expect('DATA', 354)
            s.say(f'Subject: {subject}\r\n\r\nx\r\n.')
        s.close()
        return 1

    def all_kinds(self):
        return sum(self.talk(*kind) for kind in (
            ('client.test', 'a@client.test', ['box'], 'hello'),
            ('client.test', 'a@client.test', ['box', 'nobody', 'strange'], 'offer'),
            ('pc', 'a@client.test', ['box'], 'offer'),
            ('pc', '', ['box'], 'hello'),
            ('gatepost.test', 'a@client.test', ['box', 'nobody'], 'hello'),
            ('client.test', 'a@slow.test', ['box'], 'hello'),
            ('client.test', 'a@client.test', ['nobody', 'strange', 'strange'], 'hello'),
            ('client.test', 'a@client.test', ['strange'], 'hello'),
            ('client.test', 'a@client.test', [], 'hello')))

    def recorded(self, count):
        """Waits until so many are in the journal."""
        def found():
            try:
                with sqlite3.connect(f'file:{self.folder}/var/journal.db?mode=ro', uri=True) as db:
                    return db.execute('SELECT count(*) FROM decision').fetchone()[0] >= count
            except sqlite3.OperationalError:
                return False
        until(found, f'{count} records')

    def ask(self, *arguments):
        done = subprocess.run([self.binary, *arguments, '-c', self.file], text=True,
                              capture_output=True, timeout=PATIENCE)
        check(done.stderr == '', done.stderr)
        return done.returncode, done.stdout

    def replay(self, policy):
        """Exit status, the ids that would change with their new verdicts, the sums."""
        file = f'{self.folder}/new.policy'
        with open(file, 'w', encoding='utf-8') as f:
            f.write(f'policy {policy}\n')
        status, said = self.ask('replay', '--policy', file, '--json')
        lines = [json.loads(line) for line in said.splitlines()]
        return status, {o['id']: o['new']['verdict'] for o in lines[:-1]}, lines[-1]


def unchanged(binary):
    """The same policy changes nothing, and its rules fire as they did."""
    with Mailing(binary, policy=POLICY) as g:
        g.start()
        count = g.all_kinds()
        g.recorded(count)
        status, changed, sums = g.replay(POLICY)
        check((status, changed) == (0, {}), f'{status} {changed}')
        check(sums['records'] == count and sums['rests_on'] == [], sums)
        numbers = [(r['fired'], r['decided'], r['observed']) for r in sums['new_rules']]
        then = {r['rule'].split(':')[1].split()[0]: r for r in sums['old_rules']}
        check(len(then) == sum(any(n) for n in numbers), f'{then} {numbers}')
        check(sum(n[0] for n in numbers) == sum(r['fired'] for r in then.values()), sums)
        check(sum(n[1] for n in numbers) == sum(r['decided'] for r in then.values()), sums)
        status, said = g.ask('replay', '--policy', g.file)
        check(status == 0 and 'Nothing would be otherwise.' in said, said)


def changed(binary):
    """Another policy changes what it is to change: by the ids of the decision lines."""
    with Mailing(binary, policy=POLICY) as g:
        g.start()
        g.recorded(g.all_kinds())
        lines = {o['id']: o for o in g.decisions()}
        slow = {i for i, o in lines.items() if o.get('sender') == 'a@slow.test'}
        status, found, _ = g.replay(POLICY.replace('defer 451 4.7.1 "later"', 'reject "never"'))
        check(status == 1 and found == {i: 'refused' for i in slow}, f'{found}, not {slow}')
        offers = {i for i, o in lines.items() if 'header(Subject)' in o.get('facts', {})
                  and o['facts']['header(Subject)']['value'] == 'offer'}
        status, found, _ = g.replay(POLICY.replace('"offer" and doubt >= 2', '"offer"'))
        refused = {i for i in offers if lines[i]['verdict'] == 'refused'}
        check(status == 1 and len(refused) == 1, f'{status} {refused}')
        check(set(found) == offers - refused, f'{found}, not {offers - refused}')


def reloaded(binary):
    """Records of two policies: each is compared with what it says, and has its own table of rules."""
    with Mailing(binary, policy=POLICY) as g:
        g.start()
        count = g.all_kinds()
        g.recorded(count)
        g.reload(policy=POLICY.replace('reject 550 5.7.1 "not you"', 'defer "not you yet"'))
        count += g.all_kinds()
        g.recorded(count)
        status, found, sums = g.replay(POLICY)
        check(status == 1 and sums['records'] == count, f'{status} {sums}')
        check({r['policy'] for r in sums['old_rules']} == {o['policy'] for o in g.decisions()}, sums)
        late = {o['id'] for o in g.decisions() for r in o.get('recipients', [])
                if r['text'] == 'not you yet'}
        check(set(found) == late and len(late) >= 2, f'{found}, not {late}')
        status, said = g.ask('rules')
        check(status == 0 and said.count('\npolicy ') + said.startswith('policy ') == 2, said)
        check("(this configuration's)" in said, said)
        status, said = g.ask('rules', '--json')
        rules = [json.loads(line) for line in said.splitlines()]
        check(len(rules) == 20, f'{len(rules)} rules')
        not_you = [r for r in rules if 'not you yet' in r['text']]
        check([(r['decided'], r['unique']) for r in not_you] == [(2, 2)], not_you)


def counted(binary):
    """A rule alone, one behind which another stands for certain or perhaps; what a fact took that is named twice."""
    policy = """{
        at helo { reject "a" when helo == "bad.test" }
        at mail {
            reject "b" when helo == "bad.test"
            reject "c" when sender.domain == "worse.test"
            reject "d" when sender.domain == "worst.test" and helo != "x"
        }
        at rcpt {
            defer "cannot" when unknown(rcpt.known) and sender.domain != "worst.test"
            reject "e" when (not rcpt.known and helo == "x") or (rcpt.known and helo == "y")
        }
    }"""
    with Mailing(binary, policy=policy) as g:
        g.start()
        g.recorded(sum(g.talk(helo, f'a@{domain}', ['box'], 'hello') for helo, domain in (
            ('bad.test', 'client.test'), ('client.test', 'worse.test'), ('client.test', 'worst.test'),
            ('client.test', 'client.test'))))
        status, said = g.ask('rules', '--json')
        rules = [json.loads(line) for line in said.splitlines()]
        found = [(r['decided'], r['unique'], r['perhaps_unique']) for r in rules]
        check(status == 0 and found == [(1, 0, 0), (0, 0, 0), (1, 0, 1), (1, 1, 0), (0, 0, 0), (0, 0, 0)], found)
        took = sum(round(r['facts']['rcpt.known']['ms'] * 1000) for o in g.decisions() for r in o['recipients']
                   if 'rcpt.known' in r.get('facts', {}))
        check(rules[5]['facts_us'] == took > 0, f'{rules[5]}, not {took}')


def contradicted(binary):
    """Whom rules hit whose mail is otherwise accepted; what was deferred and came back."""
    policy = """{
        at mail { reject "b" when sender.domain == "worse.test" }
        at rcpt {
            defer "later" when rcpt.count == 1 and sender.domain == "slow.test" and time.hour < 0
            observe reject "c" when helo == "client.test"
            defer "wait a little" when helo == "slow.test"
            doubt 1 "d" when helo == "never.test"
        }
    }"""
    with Mailing(binary, policy=policy) as g:
        g.start()
        count = sum(g.talk(helo, f'a@{domain}', ['box'], 'hello') for helo, domain in (
            ('client.test', 'client.test'), ('x.test', 'worse.test'),
            ('slow.test', 'slow.test'), ('slow.test', 'gone.test'), ('back.test', 'slow.test')))
        g.recorded(count)
        status, said = g.ask('rules', '--json')
        rules = [json.loads(line) for line in said.splitlines()]
        # All come from one network, which has two messages accepted, and one refused by the first rule.
        found = [r.get('contradicted') for r in rules]
        check(status == 0 and found == [1, 0, 1, 2, 0], found)
        check((rules[3]['deferred'], rules[3]['came_back'], rules[3]['came_back_share']) == (2, 1, 0.5), rules[3])
        check(0 <= rules[3]['delay_median_us'] <= rules[3]['delay_longest_us'] < 60e6, rules[3])
        check('deferred' not in rules[0] and rules[1]['deferred'] == 0 and 'came_back_share' not in rules[1], rules)
        status, said = g.ask('rules')
        check(status == 0 and 'deferred 2, came back 1 (50.0 %); minutes late: 0.' in said, said)


def damaged(binary):
    """Of a journal that cannot be read to its end there is no answer, but the reason."""
    with Mailing(binary, policy=POLICY) as g:
        g.start()
        g.recorded(g.all_kinds())
        g.signal(15)
        g.wait()
        path = f'{g.folder}/var/journal.db'
        db = sqlite3.connect(path)
        db.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'recipient'").fetchone()[0]
        size = db.execute('PRAGMA page_size').fetchone()[0]
        db.close()
        with open(path, 'r+b') as f:
            f.seek((page - 1) * size)
            f.write(b'\xff' * size)
        for arguments in (['replay', '--policy', g.file], ['rules']):
            done = subprocess.run([binary, *arguments, '-c', g.file], text=True, capture_output=True, timeout=PATIENCE)
            check(done.returncode == 2 and 'malformed' in done.stderr and done.stdout == '', f'{arguments}: {done}')


if __name__ == '__main__':
    sys.exit(main([unchanged, changed, reloaded, counted, contradicted, damaged]))
