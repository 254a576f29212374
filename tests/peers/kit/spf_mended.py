"""pyspf with what it does otherwise than RFC 7208 mended, one thing at a time.

Where pyspf and we disagree about a case, pyspf is asked again with one of the MENDINGS, then with all of
them. A case on which it still disagrees is explained by nothing and fails the test.
"""

import collections
import re

import spf

MENDINGS = {
    "voids": '4.6.4 limits the "terms" for which queries are void: pyspf counts each query, so that one "mx" '
             "with three dead hosts is a permerror",
    "redirect": '4.6.4 counts terms that cause queries, 4.6.3 has "redirect" do so only when no mechanism '
                "matched: pyspf counts it when it reads it",
    "late": "4.6.2 evaluates mechanisms from left to right until one matches: pyspf expands the macros of all "
            "terms first, and what %{p} asks the DNS counts even for terms that are never reached",
    "self": '5.2 forbids no "include" of the domain itself, the limit of 4.6.4 ends it: pyspf refuses it '
            "wherever it stands, even if it is never reached",
    "modifiers": '6: only "redirect" and "exp" may not be there twice, others are ignored "no matter where, or '
                 'how often", and names are in any case of letters: pyspf refuses any modifier twice',
    "syntax": "7.1's grammar of macros (no %{d!}, no %{d0}, every brace closed) holds in every term (4.6: errors "
              "anywhere in the record) and in explanations (6.2): pyspf lets some of it through",
    "parts": '7.3: "the parts … are rejoined using "."", whatever they were split on; "r" is in any case of '
             "letters: pyspf keeps the delimiters of all but %{s} and %{l}, and knows no \"R\"",
    "p": '7.3: %{p} is chosen by the current domain, and "unknown" after an error of the DNS; its PTR question '
         "counts (4.6.4): pyspf keeps the first choice, and gives a temperror",
    "ptr": '5.5: after an error of the PTR look-up "ptr" does not match, after one of an address that name is '
           "skipped: pyspf gives a temperror",
    "names": "5.5 wants those of the client's names that end in the target: we do not ask for the others, which "
             "then cannot be void, nor for any where the target is no name; pyspf asks for all ten",
    "case": "names of the DNS are the same in any case of letters (RFC 4343): %{p} is in lower case here, pyspf "
            "leaves it as it came",
    "loop": "RFC 1034 3.6.2: a loop of CNAMEs is an error, and an error is a temperror (2.6.6): pyspf takes it for "
            "a name without records",
    "sender": '4.3: a sender without a local-part gets "postmaster" as it: pyspf has it in %{l}, not in %{s}',
    "mx": "5.4 goes through the hosts in order of preference: pyspf looks all up before it compares, and gives a "
          "temperror for a host behind the one that matches",
    "length": "7.3: labels are removed until 253 octets are left, and only of names: pyspf removes one, of "
              "explanations too",
}

LITERAL = r"[!-$&-~]"
MACRO = r"%\{[slodipvh]0*(?:[1-9][0-9]*)?r?[.\-+,/_=]*\}|%%|%_|%-"
EXP_MACRO = MACRO.replace("slodipvh", "slodipvhcrt")
TOP = r"(?:[0-9a-z]*[a-z][0-9a-z]*|[0-9a-z]+-[0-9a-z-]*[0-9a-z])"
RE_STRING = re.compile(rf"(?:{MACRO}|{LITERAL})*\Z", re.I)
RE_SPEC = re.compile(rf"(?:{MACRO}|{LITERAL})*(?:\.{TOP}\.?|(?:{MACRO}))\Z", re.I)
RE_EXPLAIN = re.compile(rf"(?:{EXP_MACRO}|{LITERAL}| )*\Z", re.I)
RE_ZERO = re.compile(r"%\{[a-z]0+[^0-9]", re.I)

JOINERS = spf.JOINERS
ARGS = spf.RE_ARGS
ALL_JOINERS = collections.defaultdict(lambda: ".", {letter: "." for letter in "slodipvhcrt"})
ANY_ARGS = re.compile(r"([0-9]*)([rR]?)([^0-9a-zA-Z]*)")


def follows(pattern, text):
    return pattern.match(text) and not RE_ZERO.search(text)


class Mended(spf.query):
    """A query that has some of MENDINGS, named by `mended`."""

    def __init__(self, mended, **arguments):
        self.mended = mended
        self.term_void = True  # the first question is no term's
        self.dry = False       # only the syntax is wanted
        self.asked_names = False
        spf.JOINERS = ALL_JOINERS if "parts" in mended else JOINERS
        spf.RE_ARGS = ANY_ARGS if "parts" in mended else ARGS
        super().__init__(**arguments)
        if "sender" in mended and self.s.startswith("@"):
            self.s = "postmaster" + self.s

    # ---- the DNS ----

    def dns(self, name, qtype, cnames=None, ignore_void=False):
        if "voids" not in self.mended:
            return super().dns(name, qtype, cnames=cnames, ignore_void=ignore_void)
        if cnames is not None:  # within a chain: only its end counts
            return super().dns(name, qtype, cnames=cnames, ignore_void=True)
        before = self.void_lookups
        self.void_lookups = -1000
        result = super().dns(name, qtype)
        was_void = self.void_lookups > -1000
        self.void_lookups = before
        if was_void and not (ignore_void or self.explaining or self.term_void):
            self.term_void = True
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("Void lookup limit")
        return result

    def validated_ptrs(self, target=None):
        if target and "names" in self.mended and "" in target.rstrip(".").split("."):
            return []
        try:
            names = self.dns_ptr(self.i)[:spf.MAX_PTR]
        except spf.TempError:
            if "ptr" not in self.mended:
                raise
            return []
        if "case" in self.mended:
            names = [name.lower() for name in names]
        if target and "names" in self.mended:
            names = [name for name in names if spf.domainmatch([name], target)]
        return [name for name in names if self.is_client(name)]

    def is_client(self, name):
        try:
            return self.cidrmatch(self.dns_a(name, self.A), self.cidrmax)
        except spf.TempError:
            if "ptr" not in self.mended:
                raise
            return False

    def getp(self):
        if self.dry:
            self.p = "unknown"
        elif "p" in self.mended:
            self.p = None
            if not self.asked_names:
                self.asked_names = True
                if not self.explaining:
                    self.check_lookups()
            try:
                super().getp()
            except spf.TempError:
                self.p = "unknown"
        else:
            super().getp()
        answer = self.p
        if self.dry:
            self.p = None
        return answer

    explaining = False

    # ---- macros ----

    def expand(self, s, stripdot=True):
        if self.dry and "%{p" in s.lower():
            s = re.sub(r"%\{p", "%{d", s, flags=re.I)
        if "length" not in self.mended:
            return super().expand(s, stripdot)
        text = self.expand_pieces(s, stripdot)
        if stripdot:
            text = text[:-1] if text.endswith(".") else text
            while len(text) > 253 and "." in text:
                text = text[text.index(".") + 1:]
        return text

    def expand_pieces(self, s, stripdot):
        """Expanded without being cut: no piece is longer than a name."""
        out, at = "", 0
        if spf.RE_INVALID_MACRO.search(s):
            raise spf.PermError("invalid-macro-char", s)
        for found in spf.RE_CHAR.finditer(s):
            piece = found.group(0)
            if stripdot and piece[:2] == "%{" and piece[2:3].lower() in "crt":
                raise spf.PermError("c,r,t macros allowed in exp= text only", piece)
            fixed = {"%%": "%", "%_": " ", "%-": "%20"}.get(piece)
            out += s[at:found.start()] + (fixed or super().expand(piece, stripdot=False))
            at = found.end()
        return out + s[at:]

    def get_explanation(self, spec):
        if "syntax" in self.mended:
            texts = self.dns_txt(spec, ignore_void=True) if spec else []
            if len(texts) != 1 or not follows(RE_EXPLAIN, texts[0].decode("latin-1")):
                return None
        self.explaining = True
        try:
            return super().get_explanation(spec)
        finally:
            self.explaining = False

    # ---- check_host() ----

    def validate_mechanism(self, mech):
        if "syntax" in self.mended:
            self.check_syntax(mech)
        try:
            return super().validate_mechanism(mech)
        except spf.PermError as error:
            if "self" not in self.mended or "trivial recursion" not in str(error):
                raise
        return mech, "include", self.d, self.cidrmax, spf.RESULTS.get(mech[0], "pass")

    def check_syntax(self, mech):
        name, colon, spec = mech.partition(":")
        name = name.lstrip("+-?~").lower()
        if name in ("a", "mx"):
            spec = re.sub(r"//[0-9]{1,3}$", "", spec)
            spec = re.sub(r"/[0-9]{1,2}$", "", spec)
        if name in ("a", "mx", "ptr", "exists", "include") and colon and not follows(RE_SPEC, spec):
            raise spf.PermError("the grammar of 7.1", mech)

    def check0(self, spf_text, recursion):
        """As in pyspf, but in the order of 4.6.2 where "late" and the others are to be mended."""
        ordered = {"late", "voids", "redirect", "modifiers", "syntax", "mx", "names"} & set(self.mended)
        return self.in_order(spf_text, recursion) if ordered and spf_text else super().check0(spf_text, recursion)

    def in_order(self, text, recursion):
        late = "late" in self.mended
        mechanisms, modifiers = [], {}
        self.dry = late
        for term in [term for term in text.split(" ")[1:] if term]:
            name, equals, value = term.partition("=")
            if equals and re.match(r"[a-z][a-z0-9_.\-]*\Z", name, re.I):
                self.read_modifier(name, value, modifiers, recursion)
            else:
                mechanisms.append((term, None if late else self.validate_mechanism(term)))
                if late:
                    self.validate_mechanism(term)
        self.dry = False
        result = self.walk(mechanisms, recursion)
        if result is None and "redirect" in modifiers:
            return self.follow(modifiers["redirect"], recursion)
        result = result or "neutral"
        if late and not recursion and result == "fail" and "exp" in modifiers:
            self.explain(modifiers["exp"])
        return result, 250, self.exps[result]

    def read_modifier(self, name, value, modifiers, recursion):
        any_case = name.lower() if "modifiers" in self.mended else name
        known = any_case in ("redirect", "exp")
        if any_case in modifiers and (known or "modifiers" not in self.mended):
            raise spf.PermError("a modifier twice", name)
        modifiers[any_case] = value
        if "syntax" in self.mended and not follows(RE_SPEC if known else RE_STRING, value):
            raise spf.PermError("the grammar of 7.1", value)
        if not known:
            self.expand(value)
            return
        if not value:
            raise spf.PermError("empty", name)
        spec = self.expand_domain(value)
        if any_case == "exp" and "late" not in self.mended and not recursion:
            self.explain(value)
        if any_case == "redirect" and "redirect" not in self.mended:
            self.check_lookups()
        if any_case == "redirect" and "late" not in self.mended:
            modifiers["redirect"] = spec

    def explain(self, spec):
        self.explaining = True
        try:
            text = self.get_explanation(self.expand_domain(spec))
            if text:
                self.set_explanation(text)
        except (spf.TempError, spf.PermError):
            pass
        finally:
            self.explaining = False

    def follow(self, target, recursion):
        self.term_void = False
        if "redirect" in self.mended:
            self.check_lookups()
        if "late" in self.mended:
            target = self.expand_domain(target)
        record = self.dns_spf(target)
        if not record:
            raise spf.PermError("redirect domain has no SPF record", target)
        if not recursion:
            self.exps = dict(self.defexps)
        return self.check1(record, target, recursion)

    def walk(self, mechanisms, recursion):
        """The result by the first that matches, or None."""
        for term, read in mechanisms:
            self.term_void = False
            kind = re.sub("^[-+?~]", "", term).lower()
            if re.match(r"(a|mx|ptr|include|exists)\b", kind):
                self.check_lookups()
            _, kind, target, bits, result = read or self.validate_mechanism(term)
            if self.matches(kind, target, bits, recursion):
                return result
        return None

    def matches(self, kind, target, bits, recursion):
        if kind == "all":
            return True
        if kind == "include":
            record = self.dns_spf(target)
            result, _, _ = self.check1(record, target, recursion + 1)
            if result == "none":
                raise spf.PermError("No valid SPF record for included domain", target)
            return result == "pass"
        if kind == "exists":
            return len(self.dns_a(target, "A")) > 0
        if kind == "a":
            return self.cidrmatch(self.dns_a(target, self.A), bits)
        if kind == "mx":
            return self.matches_mx(target, bits)
        if kind == "ptr":
            return spf.domainmatch(self.validated_ptrs(target), target)
        own = "in-addr" if kind == "ip4" else "ip6"
        return self.v == own and self.cidrmatch([target], bits)

    def matches_mx(self, target, bits):
        if "mx" not in self.mended:
            return self.cidrmatch(self.dns_mx(target), bits)
        hosts = self.dns(target, "MX")
        if len(hosts) > spf.MAX_MX:
            raise spf.PermError("More than 10 MX records returned")
        return any(self.cidrmatch(self.dns_a(host, self.A), bits) for _, host in sorted(hosts, key=lambda h: h[0]))
