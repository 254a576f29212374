#!/usr/bin/env python3
"""Writes the standard policy as C. Usage: embed.py standard.policy OUT.c"""
import sys


def literal(line):
    """One line of the file as a C string; octal escapes cannot swallow what follows them."""
    plain = set(range(0x20, 0x7f)) - set(b'"\\?')
    return '"' + ''.join(chr(c) if c in plain else f'\\{c:03o}' for c in line) + '"'


def main():
    source, out = sys.argv[1:]
    with open(source, 'rb') as file:
        text = file.read()
    lines = '\n'.join('    ' + literal(line) for line in text.splitlines(keepends=True))
    with open(out, 'w', encoding='ascii') as file:
        file.write('/* Made from conf/standard.policy by embed.py. */\n'
                   '#include "policy/parse.h"\n'
                   '#include "policy/policy.h"\n\n'
                   f'const char policy_standard_text[] =\n{lines};\n'
                   'const size_t policy_standard_length = sizeof(policy_standard_text) - 1;\n'
                   'const struct source policy_standard_source = {\n'
                   '    "standard.policy", {policy_standard_text, sizeof(policy_standard_text) - 1},'
                   ' NULL};\n')


main()
