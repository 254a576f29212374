#!/usr/bin/env python3
"""The manuals against the program. Usage: test_docs.py [--update] GATEPOST

What the program can say itself is not written by hand: in docs/POLICY.md it stands between
`<!-- gatepost ARGUMENTS -->` and `<!-- end -->`, in manual pages between `.\\" gatepost ARGUMENTS`
and `.\\" end`, and must be what the program prints. --update writes it anew.

Each example in a fence of the language `policy`, or with a policy or hostname in a display of a
manual page, must be right. It is a whole configuration, some statements, or some phases; what is
missing is added behind it. `file=NAME` keeps it for others, and for the program's arguments; `wrong`
says that it must not be right.

Prints a line for each case, and `N passed, N failed` at the end.
"""
import difflib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WITH_EXAMPLES = ['docs/POLICY.md', 'docs/GRAMMAR.md', 'README.md', 'docs/man/gatepost.8',
                 'docs/man/gatepost.conf.5', 'docs/man/gatepost-policy.5']
WITH_GENERATED = ['docs/POLICY.md', 'docs/man/gatepost-policy.5', 'docs/man/gatepost.8']
SECTIONS = ['facts', 'members', 'actions', 'limits', 'replies', 'counters']

# What a configuration needs, and folders that are not the host's.
WHOLE = {
    'hostname': 'hostname mx1.example.org',
    'listen': 'listen 127.0.0.1:2525',
    'route': 'route example.org to smtp://127.0.0.1:2526',
    'state': 'state lmdb:/nonexistent/gatepost/state',
    'spool': 'spool /nonexistent/gatepost/spool',
}

FENCE = re.compile(r'^```(policy|text file=)([^\n]*)\n(.*?)^```$', re.M | re.S)
DISPLAY = re.compile(r'^\.Bd -literal[^\n]*\n(.*?)^\.Ed$', re.M | re.S)
GENERATED = {
    '.md': re.compile(r'(^<!-- gatepost (.*?) -->\n)(.*?)(^<!-- end -->$)', re.M | re.S),
    '.8': re.compile(r'(^\.\\" gatepost (.*?)\n)(.*?)(^\.\\" end$)', re.M | re.S),
    '.5': re.compile(r'(^\.\\" gatepost (.*?)\n)(.*?)(^\.\\" end$)', re.M | re.S),
}


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


class Program:
    """The program, run in a folder with the examples that have a name."""

    def __init__(self, path, folder):
        self.path = path
        self.folder = folder

    def run(self, *arguments):
        return subprocess.run([self.path, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)

    def output(self, *arguments):
        done = self.run(*arguments)
        check(done.returncode == 0 and done.stderr == '',
              f'exit status {done.returncode}: {done.stderr}')
        return done.stdout


class Example:
    """`policy`: it is one, else another file that policies name. `words` stand behind its language."""

    def __init__(self, line, policy, words, text):
        self.line = line
        self.policy = policy
        self.wrong = 'wrong' in words
        self.file = next((word[len('file='):] for word in words if word.startswith('file=')), None)
        self.text = text

    def whole(self):
        """As a configuration, its lines where they were."""
        text = self.text
        if re.search(r'^at ', text, re.M):
            text = f'policy {{ {text}}}\n'
        missing = [line for name, line in WHOLE.items() if not re.search(rf'^{name}\b', text, re.M)]
        return text + '\n'.join(missing) + '\n'


def in_fences(page):
    for match in FENCE.finditer(page):
        language = match[1].partition(' ')
        yield Example(page[:match.start()].count('\n') + 1, language[0] == 'policy',
                      (language[2] + match[2]).split(), match[3])


def in_displays(page):
    """Certificates and users of examples are not this host's."""
    for match in DISPLAY.finditer(page):
        text = re.sub(r'^(?:tls|user) .*\n', '', match[1].replace('\\e', '\\'), flags=re.M)
        if re.search(r'^(?:policy|hostname) ', text, re.M):
            yield Example(page[:match.start()].count('\n') + 1, True, [], text)


def examples(page):
    text = (ROOT / page).read_text()
    return list(in_fences(text) if page.endswith('.md') else in_displays(text))


def keep_files(folder):
    for page in WITH_EXAMPLES:
        for example in examples(page):
            if example.file:
                text = example.whole() if example.policy else example.text
                (folder / example.file).write_text(text)


# ---- cases ----

def example_is_right(program, example):
    file = program.folder / 'example.conf'
    file.write_text(example.whole())
    done = program.run('check', '-c', file.name)
    said = done.stdout + done.stderr
    if example.wrong:
        check(done.returncode == 2, f'this was to be wrong, but exit status {done.returncode}: {said}')
    else:
        check(done.returncode == 0 and done.stderr == '', f'exit status {done.returncode}:\n{said}')


def printed(program, arguments):
    """What the program prints, as it stands in a page."""
    words = arguments.split()
    if words[0] == 'docs':
        text = program.output(*words)
        return text if '--man' in words else f'\n{text}\n'
    done = program.run(*words)
    return f'\n```\n$ gatepost {arguments}\n{done.stderr}{done.stdout}```\n\n'


def generated_is_current(program, page):
    text = (ROOT / page).read_text()
    found = list(GENERATED[Path(page).suffix].finditer(text))
    check(found, 'nothing in it is generated')
    for part in found:
        wanted = printed(program, part[2])
        difference = difflib.unified_diff(part[3].splitlines(), wanted.splitlines(), page, 'printed',
                                          lineterm='')
        check(part[3] == wanted, f'not what `gatepost {part[2]}` prints (tests/docs/test_docs.py '
              '--update GATEPOST writes it anew):\n' + '\n'.join(difference))


def rows(table, macro):
    """The first arguments of all rows of a table of tbl/."""
    text = re.sub(r'/\*.*?\*/', '', (ROOT / 'tbl' / table).read_text(), flags=re.S)
    return re.findall(rf'^{macro}\(\s*(\w+)', text, re.M)


def names_of_facts():
    return re.findall(r'^FACT\(\w+, "([^"]+)"', (ROOT / 'tbl/facts.h').read_text(), re.M)


def members_of_facts():
    """All (fact, name), as the tables have them."""
    kinds = [('traits.h', 'HTML_TRAIT', 'html.traits'), ('traits.h', 'TEXT_TRAIT', 'text.traits'),
             ('traits.h', 'URL_TRAIT', 'url.traits'), ('traits.h', 'HEADER_TRAIT', 'mime.anomalies'),
             ('anomalies.h', r'ANOMALY(?:_READERS)?', 'mime.anomalies'),
             ('inspect_limits.h', 'INSPECT_LIMIT', 'inspect.limits')]
    return sorted((fact, name) for table, kind, fact in kinds
                  for name in re.findall(rf'^{kind}\(\w+,\s*"([^"]+)"', (ROOT / 'tbl' / table).read_text(), re.M))


def json_has_every_row(program):
    whole = json.loads(program.output('docs', '--json'))
    check(list(whole) == SECTIONS, f'sections {list(whole)}')
    check([f['name'] for f in whole['facts']] == names_of_facts(), 'facts')
    check(sorted((m['fact'], m['name']) for m in whole['members']) == members_of_facts(), 'members')
    check(all(re.fullmatch(r'[A-Z].*[.)]', m['prose']) for m in whole['members']), 'sentences of members')
    check([a['name'] for a in whole['actions']] ==
          [name.lower() for name in rows('actions.h', 'ACTION')], 'actions')
    check([s['name'] for s in whole['limits']] == rows('settings.h', 'SETTING'), 'limits')
    check([r['name'] for r in whole['replies']] == rows('replies.h', 'REPLY'), 'replies')
    check([c['name'] for c in whole['counters']] == rows('counters.h', 'COUNTER'), 'counters')


def json_of_known_rows(program):
    whole = json.loads(program.output('docs', '--json'))
    facts = {f['name']: f for f in whole['facts']}
    check(facts['client.early']['live'] is True and facts['client.ip']['live'] is False, 'live')
    check(facts['helo.form']['words'] == ['domain', 'label', 'literal', 'address', 'invalid'], 'words')
    check(facts['header']['parameters'] == 1 and facts['header']['phase'] == 'message' and
          facts['header']['cost'] == 'content' and facts['header']['scope'] == 'transaction' and
          facts['header']['type'] == 'text', 'header')
    actions = {a['name']: a for a in whole['actions']}
    check(actions['wait']['phases'] == ['connect', 'helo', 'mail', 'rcpt'], 'phases of wait')
    check(actions['drop']['verdict'] is True and actions['ban']['verdict'] is False, 'verdicts')
    limits = {s['name']: s for s in whole['limits']}
    check(limits['idle_time'] == {'name': 'idle_time', 'kind': 'time', 'standard': 300000000,
                                  'least': 1000000, 'most': 3600000000,
                                  'prose': limits['idle_time']['prose']}, 'idle_time')


def json_of_one_section(program):
    for section in SECTIONS:
        one = json.loads(program.output('docs', section, '--json'))
        check(list(one) == [section], section)
    standard = json.loads(program.output('docs', '--json', 'standard'))
    check(standard == {'standard': (ROOT / 'conf/standard.policy').read_text()}, 'standard')


def markdown_is_whole(program):
    text = program.output('docs')
    check(re.findall(r'^## (.*)$', text, re.M) == ['Facts', 'What is remarkable about a message',
                                                   'Actions', 'Limits', 'Replies', 'Counters'], 'headings')
    check(text == '\n'.join(program.output('docs', section) for section in SECTIONS), 'its parts')
    facts = program.output('docs', 'facts')
    for name in names_of_facts():
        check(len(re.findall(rf'^\| `{re.escape(name)}[`(]', facts, re.M)) == 1, f'no row of {name}')
        check(len(re.findall(rf'^- `{re.escape(name)}[`(]', facts, re.M)) == 1, f'no item of {name}')
    members = program.output('docs', 'members')
    for fact, name in members_of_facts():
        check(re.search(rf'^### Members of `{re.escape(fact)}`\n\n(?:[-  ].*\n)*- `{name}`: ', members, re.M),
              f'no item of {name} below {fact}')
    for name in rows('actions.h', 'ACTION'):
        check(re.search(rf'^- `{name.lower()}\b', text, re.M), f'no item of {name}')
    for name in rows('settings.h', 'SETTING'):
        check(re.search(rf'^- `{name}`: ', text, re.M), f'no item of {name}')


def markdown_can_be_read_as_text(program):
    """Columns are aligned, lines are short, and no cell is broken by a bar of its own."""
    tables = re.findall(r'(?:^\|.*\n)+', program.output('docs'), re.M)
    check(len(tables) == len(SECTIONS) - 2, f'{len(tables)} tables')
    for table in tables:
        bars = [[i for i, c in enumerate(line) if c == '|'] for line in table.splitlines()]
        check(all(line == bars[0] for line in bars), f'columns are not aligned:\n{table}')
    long = [line for line in program.output('docs').splitlines() if len(line) > 100]
    check(not long, f'too long: {long}')


def standard_is_the_file(program):
    check(program.output('docs', 'standard') == (ROOT / 'conf/standard.policy').read_text(),
          'not conf/standard.policy')


def standard_can_be_copied(program):
    (program.folder / 'copy.policy').write_text(program.output('docs', 'standard'))
    whole = '\n'.join(WHOLE.values())
    (program.folder / 'copy.conf').write_text(f'{whole}\ninclude copy.policy\n')
    (program.folder / 'none.conf').write_text(f'{whole}\n')
    copied = program.output('check', '--explain', '-c', 'copy.conf')
    built_in = program.output('check', '--explain', '-c', 'none.conf')

    def rules(text):
        return re.sub(r'(?:copy|standard)\.policy:\d+ +', '', text.partition('\n')[2]).split()

    check(len(rules(built_in)) > 100 and rules(copied) == rules(built_in), 'the copy is another policy')


def wrong_usage(program):
    for arguments in (['docs', 'nothing'], ['docs', 'facts', 'limits'], ['docs', '--json', '--man'],
                      ['docs', '--explain'], ['docs', '-c', 'x'], ['docs', '-x'], ['docs', ''],
                      ['check', '--json'], ['check', '--man'], ['check', 'facts'], ['check', '-c'],
                      ['check', '--explain=yes'], ['run', '--explain'], ['run', 'x']):
        done = program.run(*arguments)
        check(done.returncode == 2 and done.stdout == '', f'{arguments}: {done}')
        said, usage = done.stderr.splitlines()  # what is wrong, and how it is right
        name = '-c' if '-c' in arguments else arguments[-1]
        check(said.startswith(f'gatepost {arguments[0]}: ') and said.endswith(f' {name}') and
              usage.startswith(f'usage: gatepost {arguments[0]} '), f'{arguments}: {done}')


def help_tells(program):
    for command, words in (('check', ['--explain', '-c FILE', 'warnings']),
                           ('docs', ['--json', '--man', 'standard', 'Markdown'])):
        text = program.output(command, '--help')
        check(all(word in text for word in words), text)
        check(program.run(command, '-h').stdout == text, '-h')


def output_that_nobody_takes(program):
    with open('/dev/full', 'w', encoding='ascii') as full:
        for arguments in (['docs'], ['docs', '--json'], ['check', '--explain', '-c', 'small.conf']):
            done = subprocess.run([program.path, *arguments], cwd=program.folder, stdout=full,
                                  stderr=subprocess.PIPE, timeout=60)
            check(done.returncode == 1 and b'cannot write' in done.stderr, f'{arguments}: {done}')


def check_explains(program):
    plain = program.run('check', '-c', 'small.conf')
    check(plain.returncode == 0 and plain.stdout == 'small.conf: ok\n', plain)
    text = program.output('check', '-c', 'small.conf', '--explain')
    check(text.startswith('small.conf: ok\n\nat connect\n'), text)
    check(re.findall(r'^at (\w+)$', text, re.M) == ['connect', 'helo', 'mail', 'rcpt', 'message'], text)
    check(re.search(r'^  small\.conf:8 +wait 5s +- +free$', text, re.M), text)


def warnings_are_no_errors(program):
    file = program.folder / 'warning.conf'
    file.write_text('\n'.join([*WHOLE.values(), 'table unused { 192.0.2.1 }']) + '\n')
    done = program.run('check', '-c', file.name)
    check(done.returncode == 0 and done.stdout == 'warning.conf: ok, with 1 warning\n', done)
    check(done.stderr.startswith('warning.conf:6:7: warning: '), done.stderr)


def errors_explain_nothing(program):
    done = program.run('check', '--explain', '-c', 'wrong.conf')
    check(done.returncode == 2 and done.stdout == '' and ' error: ' in done.stderr, done)


CASES = [json_has_every_row, json_of_known_rows, json_of_one_section, markdown_is_whole,
         markdown_can_be_read_as_text, standard_is_the_file, standard_can_be_copied, wrong_usage,
         help_tells, output_that_nobody_takes, check_explains, warnings_are_no_errors,
         errors_explain_nothing]


def examples_are_found(program):
    """A page whose examples are no longer seen is not right because of that."""
    del program
    for page, least in (('docs/POLICY.md', 20), ('README.md', 2), ('docs/man/gatepost.8', 1),
                        ('docs/man/gatepost.conf.5', 3), ('docs/man/gatepost-policy.5', 2)):
        found = len(examples(page))
        check(found >= least, f'{page}: {found} examples, not {least}')


def all_cases(program):
    for case in CASES + [examples_are_found]:
        yield case.__name__.replace('_', ' '), lambda case=case: case(program)
    for page in WITH_GENERATED:
        yield f'generated in {page}', lambda page=page: generated_is_current(program, page)
    for page in WITH_EXAMPLES:
        for example in examples(page):
            if example.policy:
                yield (f'{page}:{example.line}',
                       lambda example=example: example_is_right(program, example))


def update(program):
    for page in WITH_GENERATED:
        text = (ROOT / page).read_text()
        new = GENERATED[Path(page).suffix].sub(
            lambda part: part[1] + printed(program, part[2]) + part[4], text)
        if new != text:
            (ROOT / page).write_text(new)
            print(f'{page}: written')


def main():
    arguments = sys.argv[1:]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix='gatepost-docs-') as folder:
        program = Program(str(Path(arguments[-1]).resolve()), Path(folder))
        keep_files(program.folder)
        if arguments[0] == '--update':
            update(program)
            return 0
        for name, case in all_cases(program):
            try:
                case()
                print(f'ok      {name}')
                passed += 1
            except (Failed, OSError, ValueError, subprocess.SubprocessError) as problem:
                print(f'FAILED  {name}: {problem}')
                failed += 1
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
