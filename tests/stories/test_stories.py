#!/usr/bin/env python3
"""What `gatepost explain` says of every kind of ending, against docs/man/gatepost-explain.7.

usage: test_stories.py [--update] STORIES GATEPOST

Each case of endings.smtp is played in the simulated world, its decisions are kept in a journal, and
`gatepost explain` tells one of them. The page must hold just what it says; --update writes it there.
Times and ids are those of the simulated world, which are always the same.
"""
import difflib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / 'docs/man/gatepost-explain.7'
SCRIPT = HERE / 'endings.smtp'
GENERATED = re.compile(r'(?<=^\.\\" stories\n).*?(?=^\.\\" end$)', re.M | re.S)

# All ways in which something can end: each has a case, by the beginning of its name.
ENDINGS = ['accepted', 'refused at connect', 'refused at helo', 'refused at mail', 'refused at rcpt by a rule',
           'refused at rcpt by the next hop', 'refused at rcpt, no route', 'refused while the message',
           'refused as a message', 'refused at commit', 'pending', 'deferred', 'dropped',
           'the client went away', 'gone before', 'ended', 'observed', 'in doubt']


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


class Case:
    def __init__(self, name):
        self.name = name
        self.prose = []
        self.wanted = None  # ".1.2": the decision and recipient to explain
        self.policy = []
        self.journal = self.ids = None


def read_cases():
    """The cases with what the manual shows of them."""
    cases, depth = [], 0
    for line in SCRIPT.read_text().splitlines():
        words = line.strip()
        if line.startswith('case '):
            cases.append(Case(line[5:]))
        elif words.startswith('#:'):
            cases[-1].prose.append(words[2:].strip())
        elif words.startswith('#='):
            cases[-1].wanted = words[2:].strip()
        elif depth > 0 or words == 'policy {':
            cases[-1].policy.append(line[4:])
            depth += words.count('{') - words.count('}')
    return cases


def play(stories, folder, cases):
    done = subprocess.run([stories, SCRIPT, folder], capture_output=True, text=True, timeout=100, check=False)
    check(done.returncode == 0, f'stories: {done.stderr}')
    for case, line in zip(cases, done.stdout.splitlines(), strict=True):
        name, journal, ids = line.split('\t')
        check(name == case.name, f'{name} is not {case.name}')
        case.journal, case.ids = Path(folder) / journal, ids.split()


class Program:
    def __init__(self, path):
        self.path = path

    def run(self, *arguments, **others):
        return subprocess.run([self.path, *arguments], capture_output=True, text=True, timeout=30, check=False,
                              **others)

    def explain(self, case, what, *options, **others):
        done = self.run('explain', '--journal', case.journal, *options, what, **others)
        check(done.returncode == 0 and done.stderr == '', f'{case.name}: {what}: {done}')
        return done.stdout


def wanted_id(case):
    return case.ids[-1] if case.wanted is None else case.ids[0].split('.')[0] + case.wanted


def literal(text):
    lines = text.replace('\\', '\\e').splitlines()
    return ''.join(f'\\&{line}\n' if line[:1] in ('.', "'") else f'{line}\n' for line in lines)


def written(program, cases):
    """The generated part of the page."""
    parts = []
    for case in cases:
        parts.append(f'.Ss {case.name[0].upper()}{case.name[1:]}\n')
        if case.prose:
            parts.append(' '.join(case.prose).replace('. ', '.\n') + '\n')
        if case.policy:
            parts.append('.Bd -literal -offset indent\n' + literal('\n'.join(case.policy)) + '.Ed\n')
        parts.append('.Bd -literal\n' + literal(program.explain(case, wanted_id(case))) + '.Ed\n')
    return ''.join(parts)


# ---- cases ----

def page_is_current(program, cases):
    page = GENERATED.search(PAGE.read_text())
    check(page, 'nothing in it is generated')
    wanted = written(program, cases)
    difference = difflib.unified_diff(page[0].splitlines(), wanted.splitlines(), 'page', 'told', lineterm='')
    check(page[0] == wanted, 'not what is told (tests/stories/test_stories.py --update STORIES GATEPOST writes '
          'it anew):\n' + '\n'.join(difference))


def every_ending_is_there(program, cases):
    del program
    for ending in ENDINGS:
        check(any(case.name.startswith(ending) for case in cases), ending)


def lines_are_short(program, cases):
    for case in cases:
        long = [line for line in program.explain(case, wanted_id(case)).splitlines() if len(line) > 78]
        check(not long, f'{case.name}: {long}')


def json_says_the_same(program, cases):
    for case in cases:
        told = program.explain(case, wanted_id(case))
        story = json.loads(program.explain(case, wanted_id(case), '--json'))
        flat = ' '.join(told.split())
        check(story['ending'] in flat, f'{case.name}: {story["ending"]}')
        check(story['id'] == '.'.join(wanted_id(case).split('.')[:2]), f'{case.name}: {story["id"]}')
        for fact in story.get('facts', []):
            check(fact['fact'] in flat, f'{case.name}: {fact}')
        for rule in story.get('rules', []):
            check(' '.join(rule['text'].split()) in flat, f'{case.name}: {rule}')
        if 'told' in story:
            check(story['told'] in flat, f'{case.name}: {story["told"]}')


def named(cases, name):
    return next(case for case in cases if case.name == name)


def found_in_a_bounce(program, cases):
    """As a sender pastes it: quoted, folded in the middle of the id, in small letters."""
    case = named(cases, 'refused at rcpt by a rule')
    wanted = wanted_id(case)
    told = program.explain(case, wanted)
    bounce = (f'> <bert@example.org>: host mx.example said: 550 5.7.1 no mail, administration\n'
              f'>    [{wanted[:9]}\n>   {wanted[9:]}] (in reply to RCPT TO command)\n')
    check(program.explain(case, '-', input=bounce) == told, 'by standard input')
    check(program.explain(case, bounce) == told, 'as a word')
    check(program.explain(case, wanted.lower().replace('0', 'o')) == told, 'in small letters')
    encoded = f'550 5.7.1 no =5B{wanted[:5]}=\r\n{wanted[5:14]}=2E{wanted[15:]}=5D'
    check(program.explain(case, '-', input=encoded) == told, 'quoted-printable')
    several = f'[00000000000000.1] refused, then [{wanted}]'
    check(program.explain(case, '-', input=several) == told, 'the one that the journal has')


def a_connection_is_told(program, cases):
    case = named(cases, 'accepted, and delivered before')
    bare = case.ids[0].split('.')[0]
    check(program.explain(case, bare) == program.explain(case, case.ids[0]), 'without a number')


def not_found(program, cases):
    case = named(cases, 'accepted')
    for text, words in (('', 'there is no decision id in this text'),
                        ('nothing', 'there is no decision id in this text'),
                        ('00000000000000.1', 'has no decision 00000000000000, which is of 2026-01-01T00:00:00.000Z; '
                         'it may be older than what is kept, or of another host'),
                        ('[00000000000000.1] and 00000000000001.1', '00000000000000, which is of '
                         '2026-01-01T00:00:00.000Z, nor another one of this text; it may be'),
                        ('ozzzzzzzzzzooo', 'has no decision 0ZZZZZZZZZZ000, which would be of '
                         '2060-11-03T19:53:47.775Z; a letter of it may be wrong'),
                        # Other servers' names for a message; a word.
                        ('id 0ZZZZZZZZZZ000.7 there', 'there is no decision id in this text'),
                        ('0ZZZZZZZZZZ000.7 or 00000000000001.1', 'has no decision 00000000000001, which is of'),
                        ('no decision 00000000000000', 'there is no decision id in this text'),
                        (case.ids[0][:14] + '.7', 'but of the same connection there is')):
        done = program.run('explain', '--journal', case.journal, text)
        check(done.returncode == 1 and words in done.stderr and done.stdout == '', done)
    done = program.run('explain', '--journal', '/nowhere/journal.db', 'x')
    check(done.returncode == 2 and 'there is no journal at' in done.stderr, done)
    done = program.run('explain', '--journal', case.journal)
    check(done.returncode == 2 and 'usage:' in done.stderr, done)


def log_finds(program, cases):
    case = named(cases, 'refused at rcpt by a rule')
    for options, count in (([], 1), (['--sender', '@client.example'], 1), (['--sender', '<>'], 0),
                           (['--recipient', 'BERT@example.org'], 1), (['--recipient', 'x@example.org'], 0),
                           (['--client', '192.0.2.0/24'], 1), (['--client', '192.0.3.0/24'], 0),
                           (['--verdict', 'refused'], 1), (['--verdict', 'gone'], 0),
                           (['--rule', 'test.conf:6'], 1), (['--rule', 'test.conf:7'], 0),
                           (['--reply', 'takes no DOUBTFUL'], 1), (['--reply', 'spam'], 0),
                           (['--hop', '192.0.2.25'], 1), (['--hop', 'doubtful'], 0),
                           (['--phase', 'rcpt'], 1), (['--phase', 'mail'], 0),
                           (['--since', '2026-11-22'], 1), (['--until', '2026-11-22'], 0),
                           (['--since', '2026-11-22T00:16+00:00', '--limit', '5'], 1)):
        done = program.run('log', '--journal', case.journal, *options)
        check(len(done.stdout.splitlines()) == count and done.returncode == (0 if count else 1), f'{options}: {done}')
    text = program.run('log', '--journal', case.journal).stdout
    check(text == '2026-11-22T00:16:40.022Z BY0T4W43J00000.1 192.0.2.1 accepted at commit '
          '<sender@client.example> -> <anna@example.org>, <bert@example.org> refused: 250 2.0.0 taken '
          '(smtp://192.0.2.25:25)\n', text)


def log_as_json(program, cases):
    for case in cases:
        lines = program.run('log', '--json', '--journal', case.journal).stdout.splitlines()
        records = [json.loads(line) for line in lines]
        check([record['id'] for record in records] == case.ids, f'{case.name}: {lines}')
        check(all(record['timeline_us']['decided'] >= 0 and 'facts_' not in record for record in records), lines)


def log_follows(program, cases):
    """What comes in is printed, also where the journal is begun anew; who reads no more ends it."""
    first, second = named(cases, 'accepted'), named(cases, 'dropped')
    path = first.journal.parent / 'followed.db'
    path.write_bytes(first.journal.read_bytes())
    with subprocess.Popen([program.path, 'log', '--follow', '--journal', path], stdout=subprocess.PIPE,
                          text=True) as log:
        try:
            check('accepted at commit' in log.stdout.readline(), 'the first line')
            path.rename(path.with_suffix('.aside'))
            new = path.with_suffix('.new')
            new.write_bytes(second.journal.read_bytes())
            new.rename(path)
            check('refused at connect' in log.stdout.readline(), 'of the journal that was begun')
            log.terminate()
            check(log.wait(10) == -15, 'its end')
        finally:
            log.kill()


def wrong_usage(program, cases):
    del cases
    for arguments in (['log', 'x'], ['log', '--client', 'x'], ['log', '--since', 'x'], ['log', '--limit', '0'],
                      ['log', '--verdict', 'x'], ['log', '--phase', 'x'], ['log', '--sender', ''],
                      ['log', '--sender'], ['log', '--man'], ['explain'], ['explain', '--follow', 'x']):
        done = program.run(*arguments)
        check(done.returncode == 2 and done.stdout == '' and 'usage: gatepost' in done.stderr, f'{arguments}: {done}')


CASES = [page_is_current, every_ending_is_there, lines_are_short, json_says_the_same, found_in_a_bounce,
         a_connection_is_told, not_found, log_finds, log_as_json, log_follows, wrong_usage]


def main():
    *options, stories, gatepost = sys.argv[1:]
    program = Program(gatepost)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix='gatepost-stories-') as folder:
        cases = read_cases()
        play(stories, folder, cases)
        if options == ['--update']:
            text = PAGE.read_text()
            part = GENERATED.search(text)
            PAGE.write_text(text[:part.start()] + written(program, cases) + text[part.end():])
            return 0
        for case in CASES:
            name = case.__name__.replace('_', ' ')
            try:
                case(program, cases)
                print(f'ok      {name}')
                passed += 1
            except (Failed, OSError, ValueError, subprocess.SubprocessError) as problem:
                print(f'FAILED  {name}: {problem}')
                failed += 1
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
