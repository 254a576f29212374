/* Configurations that are refused: place, cause and wording of each error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define MINIMAL                                                                                    \
    "hostname mx.example.org\nlisten 127.0.0.1:25\nroute example.org to smtp://127.0.0.1\n"

static const struct {
    struct slice text;
    const char *error; /* behind "test.conf:" */
} wrong[] = {
    {SLICE_LIT(""), "1:1: expected a statement \"hostname\", found the end of the file"},
    {SLICE_LIT("# nothing\n\n"),
     "3:1: expected a statement \"hostname\", found the end of the file"},
    {SLICE_LIT("hostname mx.example.org\nlisten 127.0.0.1:25"),
     "2:20: expected a statement \"route\", found the end of the file"},
    {SLICE_LIT("hostname mx.example.org\nroute . to smtp://127.0.0.1\n"),
     "3:1: expected a statement \"listen\", found the end of the file"},
    {SLICE_LIT("listen 127.0.0.1:25\nroute . to smtp://127.0.0.1\n"),
     "3:1: expected a statement \"hostname\", found the end of the file"},
    {SLICE_LIT("hostnam mx.example.org"),
     "1:1: unknown statement \"hostnam\", did you mean \"hostname\"?"},
    {SLICE_LIT("Hostname mx.example.org"),
     "1:1: unknown statement \"Hostname\", did you mean \"hostname\"?"},
    {SLICE_LIT("frobnicate"),
     "1:1: unknown statement \"frobnicate\", expected authentication_results, authserv_id, "
     "clamd, control, "
     "decisions, dnssec, hostname, include, inspectors, journal, limit, listen, log, marks, "
     "policy, "
     "proxy, "
     "received_spf, recipients, resolver, root_hints, route, rspamd, set, spamassassin, spool, "
     "state, table, tls, "
     "trust_anchor, user or workers"},
    {SLICE_LIT("clamd /run/clamd"),
     "1:7: expected unix:PATH or tcp://HOST:PORT, found \"/run/clamd\""},
    {SLICE_LIT("clamd unix:run"),
     "1:7: expected unix:PATH with the absolute path of a Unix socket, found \"unix:run\""},
    {SLICE_LIT("clamd tcp://"),
     "1:7: expected a host name, an IPv4 address or a bracketed IPv6 address behind \"//\", found "
     "\"tcp://\""},
    {SLICE_LIT("clamd tcp://h:0"),
     "1:7: expected a port from 1 to 65535 behind the host, found \"tcp://h:0\""},
    {SLICE_LIT("clamd unix:/a\nclamd unix:/b"),
     "2:1: expected each statement but include, limit, listen, policy, proxy, recipients, "
     "resolver, route, set and table once, found \"clamd\" again (the first is in line 1)"},
    {SLICE_LIT("clamd unix:/a user x"),
     "1:15: expected \"descriptor\" or the end of the line, found \"user\""},
    {SLICE_LIT("clamd tcp://h descriptor"),
     "1:15: expected the end of the line, found \"descriptor\""},
    {SLICE_LIT("rspamd tcp://h:1"),
     "1:8: expected unix:PATH or http://HOST:PORT, found \"tcp://h:1\""},
    {SLICE_LIT("spamassassin tcp://h as"),
     "1:22: expected \"user\" and a name, or the end of the line, found \"as\""},
    {SLICE_LIT("spamassassin tcp://h user \"a b\""),
     "1:27: expected the name of a user, found \"a b\""},
    {SLICE_LIT("log journal"), "1:5: unknown destination \"journal\", did you mean \"journald\"?"},
    {SLICE_LIT("log /var/log/gatepost"),
     "1:5: unknown destination \"/var/log/gatepost\", expected stderr or journald"},
    {SLICE_LIT("polcy {"), "1:1: unknown statement \"polcy\", did you mean \"policy\"?"},
    {SLICE_LIT("\n\n  lsiten 127.0.0.1:25"),
     "3:3: unknown statement \"lsiten\", did you mean \"listen\"?"},
    {SLICE_LIT("\"hostname\" mx.example.org"), "1:1: expected a statement, found \"hostname\""},
    {SLICE_LIT(", hostname"), "1:1: expected a statement, found \",\""},
    {SLICE_LIT("{"), "1:1: expected a statement, found \"{\""},
    {SLICE_LIT("hostname"),
     "1:9: expected a host name such as mx1.example.org, found the end of the file"},
    {SLICE_LIT("hostname mx.example.org extra"),
     "1:25: expected the end of the line, found \"extra\""},
    {SLICE_LIT("hostname mx.example.org, mx2.example.org"),
     "1:24: expected the end of the line, found \",\""},
    {SLICE_LIT("hostname mx_1.example.org"),
     "1:10: expected a host name such as mx1.example.org, found \"mx_1.example.org\""},
    {SLICE_LIT("hostname -mx.example.org"),
     "1:10: expected a host name such as mx1.example.org, found \"-mx.example.org\""},
    {SLICE_LIT("hostname mx..example.org"),
     "1:10: expected a host name such as mx1.example.org, found \"mx..example.org\""},
    {SLICE_LIT("hostname mx.example.org."),
     "1:10: expected a host name such as mx1.example.org, found \"mx.example.org.\""},
    {SLICE_LIT("hostname 192.0.2.1"),
     "1:10: expected a host name such as mx1.example.org, found \"192.0.2.1\""},
    {SLICE_LIT("hostname \"\""), "1:10: expected a host name such as mx1.example.org, found \"\""},
    {SLICE_LIT("hostname m\303\274nchen.example"),
     "1:10: expected a host name such as mx1.example.org, found \"m\303\274nchen.example\""},
    {SLICE_LIT("hostname aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"),
     "1:10: expected a host name such as mx1.example.org, found "
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"..."},
    {SLICE_LIT("hostname mx.example.org\nlisten 127.0.0.1:25\nhostname mx.example.org"),
     "3:1: expected each statement but include, limit, listen, policy, proxy, "
     "recipients, resolver, route, set and table "
     "once, found \"hostname\" again (the first is in line 1)"},
    {SLICE_LIT("authserv_id mail server"), "1:18: expected the end of the line, found \"server\""},
    {SLICE_LIT("authserv_id a_b.example"),
     "1:13: expected a name such as example.org, found \"a_b.example\""},
    {SLICE_LIT("authentication_results yes"), "1:24: expected on or off, found \"yes\""},
    {SLICE_LIT("marks"), "1:6: expected flag, score or status, found the end of the file"},
    {SLICE_LIT("marks on"), "1:7: expected flag, score or status, found \"on\""},
    {SLICE_LIT("marks flag, flag X-A"), "1:13: expected each mark once, found \"flag\""},
    {SLICE_LIT("marks flag Subject"),
     "1:12: expected another field's name such as X-Spam-Score, a comma or the end of the line, "
     "found \"Subject\""},
    {SLICE_LIT("marks flag X-A, score x-a"),
     "1:23: expected another field's name such as X-Spam-Score, a comma or the end of the line, "
     "found \"x-a\""},
    {SLICE_LIT("marks off, score"), "1:10: expected the end of the line, found \",\""},
    {SLICE_LIT("authentication_results ON"), "1:24: expected on or off, found \"ON\""},
    {SLICE_LIT("received_spf"), "1:13: expected on or off, found the end of the file"},
    {SLICE_LIT("received_spf on off"), "1:17: expected the end of the line, found \"off\""},
    {SLICE_LIT("received_spf on\nreceived_spf off"),
     "2:1: expected each statement but include, limit, listen, policy, proxy, "
     "recipients, resolver, route, set and table "
     "once, found \"received_spf\" again (the first is in line 1)"},
    {SLICE_LIT("listen"),
     "1:7: expected an address and port such as 0.0.0.0:25 or [::]:25, found the end of the file"},
    {SLICE_LIT("listen 127.0.0.1"),
     "1:8: expected a port behind the address, as in 0.0.0.0:25 or [::]:25, found \"127.0.0.1\""},
    {SLICE_LIT("listen ::1"),
     "1:8: expected a port behind the address, as in 0.0.0.0:25 or [::]:25, found \"::1\""},
    {SLICE_LIT("listen [::1]"),
     "1:8: expected an address and port such as 0.0.0.0:25 or [::]:25, found \"[::1]\""},
    {SLICE_LIT("listen :25"),
     "1:8: expected an address and port such as 0.0.0.0:25 or [::]:25, found \":25\""},
    {SLICE_LIT("listen 127.0.0.1:0"),
     "1:8: expected an address and port such as 0.0.0.0:25 or [::]:25, found \"127.0.0.1:0\""},
    {SLICE_LIT("listen 127.0.0.1:65536"),
     "1:8: expected an address and port such as 0.0.0.0:25 or [::]:25, found \"127.0.0.1:65536\""},
    {SLICE_LIT("listen mx.example.org:25"), "1:8: expected an address and port such as 0.0.0.0:25 "
                                            "or [::]:25, found \"mx.example.org:25\""},
    {SLICE_LIT("listen 127.0.0.1:25,"),
     "1:21: expected an address and port such as 0.0.0.0:25 or [::]:25, found the end of the file"},
    {SLICE_LIT("listen 127.0.0.1:25,\n\n   # more\n  route example.org to smtp://127.0.0.1"),
     "4:3: expected an address and port such as 0.0.0.0:25 or [::]:25, found \"route\""},
    {SLICE_LIT("listen 127.0.0.1:25\n  , 127.0.0.1:26"), "2:3: expected a statement, found \",\""},
    {SLICE_LIT("listen 127.0.0.1:25 127.0.0.1:26"),
     "1:21: expected the end of the line, found \"127.0.0.1:26\""},
    {SLICE_LIT("listen 127.0.0.1:25\nlisten [::1]:25,\n       127.0.0.1:25"),
     "3:8: expected each address once, found \"127.0.0.1:25\" again (the first is in line 1)"},
    {SLICE_LIT("listen [::ffff:127.0.0.1]:25, 127.0.0.1:25"),
     "1:31: expected each address once, found \"127.0.0.1:25\" again (the first is in line 1)"},
    {SLICE_LIT("recipients"), "1:11: expected a domain such as example.org, .example.org for its "
                              "subdomains, or . for all, found the end of the file"},
    {SLICE_LIT("recipients a.example to x"),
     "1:22: expected a comma or \"from\" and who knows the recipients, found \"to\""},
    {SLICE_LIT("recipients a.example from"), "1:26: expected file PATH, sqlite PATH \"QUERY\", "
                                             "smtp://HOST or lmtp://HOST, found the end of "
                                             "the file"},
    {SLICE_LIT("recipients a.example from fiel /x"),
     "1:27: expected file PATH, sqlite PATH \"QUERY\", smtp://HOST or lmtp://HOST, found \"fiel\""},
    {SLICE_LIT("recipients a.example from file x"),
     "1:32: expected the absolute path of a file, found \"x\""},
    {SLICE_LIT("recipients a.example from file /x delimiter"),
     "1:44: expected at most 8 different characters such as +, found the end of the file"},
    {SLICE_LIT("recipients a.example from file /x delimiter ++"),
     "1:45: expected at most 8 different characters such as +, found \"++\""},
    {SLICE_LIT("recipients a.example from file /x delimiter @"),
     "1:45: expected at most 8 different characters such as +, found \"@\""},
    {SLICE_LIT("recipients a.example from file /x else accept"),
     "1:35: expected the end of the line, found \"else\""},
    {SLICE_LIT("recipients a.example from sqlite x \"SELECT 1\""),
     "1:34: expected the absolute path of a database, found \"x\""},
    {SLICE_LIT("recipients a.example from sqlite /x\n"),
     "1:36: expected a query such as \"SELECT 1 FROM users WHERE address = :address\", found the "
     "end "
     "of the line"},
    {SLICE_LIT("recipients a.example from sqlite /x \"\""),
     "1:37: expected a query such as \"SELECT 1 FROM users WHERE address = :address\", found \"\""},
    {SLICE_LIT("recipients a.example from maildir:/x"),
     "1:27: expected a server; a Maildir knows its recipients anyhow, found \"maildir:/x\""},
    {SLICE_LIT("recipients a.example from smtp://192.0.2.1 else"),
     "1:48: expected accept or defer, found the end of the file"},
    {SLICE_LIT("recipients a.example from smtp://192.0.2.1 else bounce"),
     "1:49: expected accept or defer, found \"bounce\""},
    {SLICE_LIT("recipients a.example from smtp://192.0.2.1 otherwise accept"),
     "1:44: unknown option \"otherwise\", expected ca, junk_detail, name, standby, tls, "
     "tls_minimum, weight or "
     "xclient"},
    {SLICE_LIT(MINIMAL "recipients example.org, Other.example from file /x\n"),
     "4:25: expected a domain that has a route, found \"other.example\""},
    {SLICE_LIT(MINIMAL "recipients example.org from file /x\nrecipients .example.org, example.org "
                       "from file /y\n"),
     "5:26: expected each domain once, found \"example.org\" again (the first is in line 4)"},
    {SLICE_LIT("route a.example to smtp://192.0.2.1 else accept"),
     "1:37: unknown option \"else\", expected ca, junk_detail, name, standby, tls, tls_minimum, "
     "weight or "
     "xclient"},
    {SLICE_LIT("resolver"),
     "1:9: expected recursive, system, none or the address of a DNS server such as 192.0.2.53 or "
     "[2001:db8::53]:53, found the end of the file"},
    {SLICE_LIT("resolver dns.example.org"),
     "1:10: unknown resolver \"dns.example.org\", expected recursive, system, none or the address "
     "of a DNS server such as 192.0.2.53 or [2001:db8::53]:53"},
    {SLICE_LIT("resolver recursiv"),
     "1:10: unknown resolver \"recursiv\", did you mean \"recursive\"?"},
    {SLICE_LIT("resolver 192.0.2.53:0"),
     "1:10: unknown resolver \"192.0.2.53:0\", expected recursive, system, none or the address "
     "of a DNS server such as 192.0.2.53 or [2001:db8::53]:53"},
    {SLICE_LIT("resolver [192.0.2.53]"),
     "1:10: unknown resolver \"[192.0.2.53]\", expected recursive, system, none or the address "
     "of a DNS server such as 192.0.2.53 or [2001:db8::53]:53"},
    {SLICE_LIT("resolver 192.0.2.53, ::1\nresolver 192.0.2.53:53"),
     "2:10: expected each address once, found \"192.0.2.53:53\" again (the first is in line 1)"},
    {SLICE_LIT("resolver none, recursive"),
     "1:16: expected \"recursive\" to be all that `resolver` says, found it beside what is in "
     "line 1"},
    {SLICE_LIT("resolver system\nresolver ::1"),
     "2:10: expected no address beside \"resolver system\""},
    {SLICE_LIT("resolver ::1\nresolver system"),
     "2:10: expected \"system\" to be all that `resolver` says, found it beside what is in line "
     "1"},
    {SLICE_LIT("dnssec"), "1:7: expected on or off, found the end of the file"},
    {SLICE_LIT("dnssec yes"), "1:8: expected on or off, found \"yes\""},
    {SLICE_LIT(MINIMAL "resolver none\ndnssec on\n"),
     "5:1: expected no \"dnssec on\" beside \"resolver none\", which asks nobody"},
    {SLICE_LIT("trust_anchor root.key"),
     "1:14: expected the absolute path of a file with keys of the root, found \"root.key\""},
    {SLICE_LIT(MINIMAL "resolver ::1\ntrust_anchor /root.key\n"),
     "5:1: expected \"dnssec on\" beside `trust_anchor`, found that nothing is validated"},
    {SLICE_LIT("root_hints named.root"),
     "1:12: expected the absolute path of a file that names the servers of the root, found "
     "\"named.root\""},
    {SLICE_LIT(MINIMAL "root_hints /named.root\nresolver system\n"),
     "4:1: expected \"resolver recursive\" beside `root_hints`, found that the root is not asked"},
    {SLICE_LIT("proxy"), "1:6: expected an address or network such as 192.0.2.1 or 2001:db8::/32, "
                         "found the end of the file"},
    {SLICE_LIT("proxy 192.0.2.1:25"), "1:7: expected an address or network such as 192.0.2.1 or "
                                      "2001:db8::/32, found \"192.0.2.1:25\""},
    {SLICE_LIT("proxy [::1]"), "1:7: expected an address or network such as 192.0.2.1 or "
                               "2001:db8::/32, found \"[::1]\""},
    {SLICE_LIT("proxy 192.0.2.0/33"), "1:7: expected an address or network such as 192.0.2.1 or "
                                      "2001:db8::/32, found \"192.0.2.0/33\""},
    {SLICE_LIT("proxy ::/129"), "1:7: expected an address or network such as 192.0.2.1 or "
                                "2001:db8::/32, found \"::/129\""},
    {SLICE_LIT("proxy 192.0.2.0/"), "1:7: expected an address or network such as 192.0.2.1 or "
                                    "2001:db8::/32, found \"192.0.2.0/\""},
    {SLICE_LIT("proxy 192.0.2.0/024"), "1:7: expected an address or network such as 192.0.2.1 or "
                                       "2001:db8::/32, found \"192.0.2.0/024\""},
    {SLICE_LIT("proxy 192.0.2.0/2x"), "1:7: expected an address or network such as 192.0.2.1 or "
                                      "2001:db8::/32, found \"192.0.2.0/2x\""},
    {SLICE_LIT("proxy 192.0.2.0/24/8"), "1:7: expected an address or network such as 192.0.2.1 or "
                                        "2001:db8::/32, found \"192.0.2.0/24/8\""},
    {SLICE_LIT("proxy ::ffff:192.0.2.0/120"),
     "1:7: expected an address or network such as 192.0.2.1 or 2001:db8::/32, found "
     "\"::ffff:192.0.2.0/120\""},
    {SLICE_LIT("proxy ::ffff:192.0.2.0/24"),
     "1:7: expected an address or network such as 192.0.2.1 or 2001:db8::/32, found "
     "\"::ffff:192.0.2.0/24\""},
    {SLICE_LIT("proxy proxy.example.org"), "1:7: expected an address or network such as 192.0.2.1 "
                                           "or 2001:db8::/32, found \"proxy.example.org\""},
    {SLICE_LIT("proxy \"\""), "1:7: expected an address or network such as 192.0.2.1 or "
                              "2001:db8::/32, found \"\""},
    {SLICE_LIT("proxy 192.0.2.1, 10.0.0.1/8"), "1:18: expected 10.0.0.0/8, which is the network "
                                               "without host bits, found \"10.0.0.1/8\""},
    {SLICE_LIT("proxy 192.0.2.130/25"), "1:7: expected 192.0.2.128/25, which is the network "
                                        "without host bits, found \"192.0.2.130/25\""},
    {SLICE_LIT("proxy 1.0.0.0/0"), "1:7: expected 0.0.0.0/0, which is the network without host "
                                   "bits, found \"1.0.0.0/0\""},
    {SLICE_LIT("proxy 2001:db8::1/127"), "1:7: expected 2001:db8::/127, which is the network "
                                         "without host bits, found \"2001:db8::1/127\""},
    {SLICE_LIT("proxy 10.0.0.0/8,\n192.0.2.1\nproxy 10.0.0.0/9,10.0.0.0/8"),
     "3:18: expected each network once, found \"10.0.0.0/8\" again (the first is in line 1)"},
    {SLICE_LIT("proxy ::1, 10.0.0.0/8, ::1\nproxy 10.0.0.0/8, ::1"),
     "1:24: expected each network once, found \"::1\" again (the first is in line 1)"},
    {SLICE_LIT("proxy 192.0.2.1, 192.0.2.1/32"),
     "1:18: expected each network once, found \"192.0.2.1/32\" again (the first is in line 1)"},
    {SLICE_LIT("proxy ::ffff:192.0.2.1 192.0.2.1"),
     "1:24: expected the end of the line, found \"192.0.2.1\""},
    {SLICE_LIT("tls"),
     "1:4: expected \"cert\" and the certificate's file, found the end of the file"},
    {SLICE_LIT("tls key /k cert /c"),
     "1:5: expected \"cert\" and the certificate's file, found \"key\""},
    {SLICE_LIT("tls cert"),
     "1:9: expected the absolute path of the certificate's file, found the end of the file"},
    {SLICE_LIT("tls cert c.pem key /k.pem"),
     "1:10: expected the absolute path of the certificate's file, found \"c.pem\""},
    {SLICE_LIT("tls cert /c.pem"),
     "1:16: expected \"key\" and the private key's file, found the end of the file"},
    {SLICE_LIT("tls cert /c.pem, key /k.pem"),
     "1:16: expected \"key\" and the private key's file, found \",\""},
    {SLICE_LIT("tls cert /c.pem key"),
     "1:20: expected the absolute path of the private key's file, found the end of the file"},
    {SLICE_LIT("tls cert /c.pem key ./k.pem"),
     "1:21: expected the absolute path of the private key's file, found \"./k.pem\""},
    {SLICE_LIT("tls cert /c.pem key /k.pem\ntls cert /c.pem key /k.pem"),
     "2:1: expected each statement but include, limit, listen, policy, proxy, "
     "recipients, resolver, route, set and table "
     "once, found \"tls\" again (the first is in line 1)"},
    {SLICE_LIT("tls cert \"/c\\n.pem\" key /k.pem"),
     "1:10: expected the absolute path of the certificate's file, found \"/c?.pem\""},
    {SLICE_LIT("route"), "1:6: expected a domain such as example.org, .example.org for its "
                         "subdomains, or . for all, found the end of the file"},
    {SLICE_LIT("route example.org"),
     "1:18: expected a comma or \"to\" and the next hop, found the end of the file"},
    {SLICE_LIT("route example.org smtp://127.0.0.1"),
     "1:19: expected a comma or \"to\" and the next hop, found \"smtp://127.0.0.1\""},
    {SLICE_LIT("route exam_ple.org to smtp://127.0.0.1"),
     "1:7: expected a domain such as example.org, .example.org for its subdomains, or . for all, "
     "found \"exam_ple.org\""},
    {SLICE_LIT("route *.example.org to smtp://127.0.0.1"),
     "1:7: expected a domain such as example.org, .example.org for its subdomains, or . for all, "
     "found \"*.example.org\""},
    {SLICE_LIT("route ..example.org to smtp://127.0.0.1"),
     "1:7: expected a domain such as example.org, .example.org for its subdomains, or . for all, "
     "found \"..example.org\""},
    {SLICE_LIT("route \"\" to smtp://127.0.0.1"),
     "1:7: expected a domain such as example.org, .example.org for its subdomains, or . for all, "
     "found \"\""},
    {SLICE_LIT("route user@example.org to smtp://127.0.0.1"),
     "1:7: expected a domain such as example.org, .example.org for its subdomains, or . for all, "
     "found \"user@example.org\""},
    {SLICE_LIT("route example.org, to smtp://127.0.0.1"),
     "1:23: expected a comma or \"to\" and the next hop, found \"smtp://127.0.0.1\""},
    {SLICE_LIT("route example.org, .example.org, EXAMPLE.org to smtp://127.0.0.1"),
     "1:34: expected each domain once, found \"example.org\" again (the first is in line 1)"},
    {SLICE_LIT("route b.example, a.example to smtp://127.0.0.1\nroute a.example, b.example to "
               "smtp://127.0.0.1"),
     "2:7: expected each domain once, found \"a.example\" again (the first is in line 1)"},
    {SLICE_LIT("route . to smtp://127.0.0.1\nroute . to smtp://127.0.0.2"),
     "2:7: expected each domain once, found \".\" again (the first is in line 1)"},
    {SLICE_LIT("state /var/lib/gatepost"),
     "1:7: expected lmdb:FOLDER with an absolute path, found \"/var/lib/gatepost\""},
    {SLICE_LIT("state lmdb:var"),
     "1:7: expected lmdb:FOLDER with an absolute path, found \"lmdb:var\""},
    {SLICE_LIT("state lmdb:/a\nstate lmdb:/b"),
     "2:1: expected each statement but include, limit, listen, policy, proxy, "
     "recipients, resolver, route, set and table "
     "once, found \"state\" again (the first is in line 1)"},
    {SLICE_LIT("spool"), "1:6: expected the absolute path of a folder, found the end of the file"},
    {SLICE_LIT("spool spool"), "1:7: expected the absolute path of a folder, found \"spool\""},
    {SLICE_LIT("spool \"/a\\u0000b\""),
     "1:7: expected the absolute path of a folder, found \"/a?b\""},
    {SLICE_LIT("user"), "1:5: expected the name of a user, found the end of the file"},
    {SLICE_LIT("user 0"), "1:6: expected the name of a user, found \"0\""},
    {SLICE_LIT("user postfix,"), "1:13: expected the end of the line, found \",\""},
    {SLICE_LIT("user gatepost\nuser gatepost"),
     "2:1: expected each statement but include, limit, listen, policy, proxy, "
     "recipients, resolver, route, set and table "
     "once, found \"user\" again (the first is in line 1)"},
    {SLICE_LIT("inspectors"),
     "1:11: expected off or a number of inspectors from 0 to 256, found the end of the file"},
    {SLICE_LIT("inspectors 257"),
     "1:12: expected off or a number of inspectors from 0 to 256, found \"257\""},
    {SLICE_LIT("workers"),
     "1:8: expected a number of workers from 0 to 256, found the end of the file"},
    {SLICE_LIT("workers four"), "1:9: expected a number of workers from 0 to 256, found \"four\""},
    {SLICE_LIT("workers -1"), "1:9: expected a number of workers from 0 to 256, found \"-1\""},
    {SLICE_LIT("workers 257"), "1:9: expected a number of workers from 0 to 256, found \"257\""},
    {SLICE_LIT("workers 99999999999999999999"),
     "1:9: expected a number of workers from 0 to 256, found \"99999999999999999999\""},
    {SLICE_LIT("control"), "1:8: expected the absolute path of a socket, at most 107 octets long, "
                           "found the end of the file"},
    {SLICE_LIT("control run/control"),
     "1:9: expected the absolute path of a socket, at most 107 octets long, found \"run/control\""},
    {SLICE_LIT("control /run/a\ncontrol /run/b"),
     "2:1: expected each statement but include, limit, listen, policy, proxy, recipients, "
     "resolver, route, set "
     "and table "
     "once, found \"control\" again (the first is in line 1)"},
    {SLICE_LIT("journal"),
     "1:8: expected off or the absolute path of a file, found the end of the file"},
    {SLICE_LIT("journal journal.db"),
     "1:9: expected off or the absolute path of a file, found \"journal.db\""},
    {SLICE_LIT("journal /srv/"),
     "1:9: expected off or the absolute path of a file, found \"/srv/\""},
    {SLICE_LIT("journal off /srv/journal"),
     "1:13: expected the end of the line, found \"/srv/journal\""},
    {SLICE_LIT("limit journal_age 1m"),
     "1:19: expected journal_age from 1h to 3650d, found \"1m\""},
    {SLICE_LIT("decisions"),
     "1:10: expected stdout, journald or the absolute path of a file, found the end of the file"},
    {SLICE_LIT("decisions stdot"), "1:11: unknown destination \"stdot\", did you mean \"stdout\"?"},
    {SLICE_LIT("decisions log/decisions"), "1:11: unknown destination \"log/decisions\", expected "
                                           "stdout, journald or the absolute path of a file"},
    {SLICE_LIT("decisions stdout\ndecisions stdout"),
     "2:1: expected each statement but include, limit, listen, policy, proxy, "
     "recipients, resolver, route, set and table "
     "once, found \"decisions\" again (the first is in line 1)"},
    {SLICE_LIT("limit"), "1:6: expected the name of a limit, found the end of the file"},
    {SLICE_LIT("limit \"recipients\" 100"),
     "1:7: expected the name of a limit, found \"recipients\""},
    {SLICE_LIT("limit recipient 100"),
     "1:7: unknown limit \"recipient\", did you mean \"recipients\"?"},
    {SLICE_LIT("limit frobnication 100"),
     "1:7: unknown limit \"frobnication\", expected one of those in gatepost.conf(5)"},
    {SLICE_LIT("limit recipients"), "1:17: expected a number, found the end of the file"},
    {SLICE_LIT("limit recipients many"), "1:18: expected a number, found \"many\""},
    {SLICE_LIT("limit recipients 100K"), "1:18: expected a number, found \"100K\""},
    {SLICE_LIT("limit recipients 99"), "1:18: expected recipients from 100 to 20000, found \"99\""},
    {SLICE_LIT("limit recipients 20001"),
     "1:18: expected recipients from 100 to 20000, found \"20001\""},
    {SLICE_LIT("limit recipients 99999999999999999999"),
     "1:18: expected recipients from 100 to 20000, found \"99999999999999999999\""},
    {SLICE_LIT("limit recipients 200\nlimit path 512\nlimit recipients 200"),
     "3:7: expected each limit once, found \"recipients\" again (the first is in line 1)"},
    {SLICE_LIT("limit message_size 10k"),
     "1:20: expected a number of octets, K, M or G behind it if need be, found \"10k\""},
    {SLICE_LIT("limit message_size 10 M"),
     "1:20: expected message_size from 64K to 10G, found \"10\""},
    {SLICE_LIT("limit message_size 11G"),
     "1:20: expected message_size from 64K to 10G, found \"11G\""},
    {SLICE_LIT("limit message_size 17179869185G"),
     "1:20: expected message_size from 64K to 10G, found \"17179869185G\""},
    {SLICE_LIT("limit command_line 575"),
     "1:20: expected command_line from 576 to 16K, found \"575\""},
    {SLICE_LIT("limit idle_time 300"),
     "1:17: expected a number with us, ms, s, m, h or d behind it, found \"300\""},
    {SLICE_LIT("limit idle_time 5 m"),
     "1:17: expected a number with us, ms, s, m, h or d behind it, found \"5\""},
    {SLICE_LIT("limit idle_time 999ms"), "1:17: expected idle_time from 1s to 1h, found \"999ms\""},
    {SLICE_LIT("limit idle_time 2h"), "1:17: expected idle_time from 1s to 1h, found \"2h\""},
    {SLICE_LIT("limit spool_memory 1M\nlimit message_memory 2M\nhostname mx.example.org\nlisten "
               "127.0.0.1:25\nroute . to smtp://127.0.0.1"),
     "2:7: expected message_memory to be at most spool_memory, found 2M and 1M"},
    {SLICE_LIT("hostname \"mx.example.org"),
     "1:10: expected a closing quote, found the end of the line"},
    {SLICE_LIT("hostname \"mx.example.org\\\""),
     "1:10: expected a closing quote, found the end of the line"},
    {SLICE_LIT("hostname \"mx\\.example.org\""),
     "1:13: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, \\uXXXX or a surrogate pair of "
     "these, found \\."},
    {SLICE_LIT("hostname \"\\u00g0\""), "1:11: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, "
                                        "\\uXXXX or a surrogate pair of these, found \\u00g0"},
    {SLICE_LIT("hostname \"\\u00\""), "1:11: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, "
                                      "\\uXXXX or a surrogate pair of these, found \\u00"},
    {SLICE_LIT("hostname \"\\\303\274\""), "1:11: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r "
                                           "\\t, \\uXXXX or a surrogate pair of these, found \\?"},
    {SLICE_LIT("hostname \"\\ud83d\""), "1:11: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, "
                                        "\\uXXXX or a surrogate pair of these, found \\ud83d"},
    {SLICE_LIT("hostname \"\\ud83d\\u0041\""),
     "1:11: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, \\uXXXX or a surrogate pair of "
     "these, found \\ud83d"},
    {SLICE_LIT("hostname \"\\udcec\\ud83d\""),
     "1:11: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, \\uXXXX or a surrogate pair of "
     "these, found \\udcec"},
    {SLICE_LIT("hostname \"mx\"x"),
     "1:14: expected a blank, a comma or the end of the line, found \"x\""},
    {SLICE_LIT("hostname mx\"x\""),
     "1:12: expected a blank, a comma or the end of the line, found \"\"\""},
    {SLICE_LIT("hostname \"mx\texample\""),
     "1:13: expected printable UTF-8 text, found the octet 0x09"},
    {SLICE_LIT("hostname mx\001.example.org"),
     "1:12: expected printable UTF-8 text, found the octet 0x01"},
    {SLICE_LIT("hostname mx\177"), "1:12: expected printable UTF-8 text, found the octet 0x7f"},
    {SLICE_LIT("hostname mx.example.org\r"),
     "1:24: expected printable UTF-8 text, found the octet 0x0d"},
    {SLICE_LIT("host\000name mx.example.org"),
     "1:5: expected printable UTF-8 text, found the octet 0x00"},
    {SLICE_LIT("\000"), "1:1: expected printable UTF-8 text, found the octet 0x00"},
    {SLICE_LIT("hostname \377\376"), "1:10: expected printable UTF-8 text, found the octet 0xff"},
    {SLICE_LIT("hostname \"\303\""), "1:11: expected printable UTF-8 text, found the octet 0xc3"},
    {SLICE_LIT("hostname \302\233m"), "1:10: expected printable UTF-8 text, found the octet 0xc2"},
    {SLICE_LIT("\033[31m"), "1:1: expected printable UTF-8 text, found the octet 0x1b"},
    {SLICE_LIT("hostname a-very-long-name-that-goes-on-and-on-and-on_and_on.example.org"),
     "1:10: expected a host name such as mx1.example.org, found "
     "\"a-very-long-name-that-goes-on-and-on-and\"..."},
    {SLICE_LIT("hostname aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\303\274\303\274"),
     "1:10: expected a host name such as mx1.example.org, found "
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"..."},
};

static void wrong_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct conf *c = NULL;
        struct conf_error error;
        char expected[sizeof(error.text)];
        (void)snprintf(expected, sizeof(expected), "test.conf:%s", wrong[i].error);
        assert_int_not_equal(conf_parse(wrong[i].text, "test.conf", &c, &error), 0);
        assert_null(c);
        assert_string_equal(error.text, expected);
    }
}

/* The line and a caret go with each error. */
static void excerpts(void **state)
{
    struct conf *c = NULL;
    struct conf_error error;
    char text[3000];

    (void)state;
    assert_int_not_equal(
        conf_parse(SLICE_LIT("# x\n\tworkers \"f\303\274nf\" x\n"), "t", &c, &error), 0);
    assert_string_equal(error.excerpt, "     workers \"f\303\274nf\" x\n             ^\n");
    assert_int_not_equal(conf_parse(SLICE_LIT("user a\n"), "t", &c, &error), 0);
    assert_string_equal(error.excerpt, "    \n    ^\n");
    /* Of a long line a part is shown, and the caret below it. */
    (void)memset(text, ' ', sizeof(text));
    (void)memcpy(text, "user a", 6);
    for (size_t i = 1500; i < sizeof(text); i += 2) {
        (void)memcpy(text + i, "\303\274", 2);
    }
    assert_int_not_equal(conf_parse((struct slice){text, sizeof(text)}, "t", &c, &error), 0);
    assert_int_equal(strncmp(error.text, "t:1:1501: expected the end", 26), 0);
    assert_string_equal(error.excerpt + strlen(error.excerpt) - 2, "^\n");
    assert_non_null(strstr(error.excerpt, "\303\274...\n"));
    assert_int_not_equal(conf_load("/nowhere/x.conf", &c, &error), 0);
    assert_string_equal(error.excerpt, "");
    assert_null(c);
}

/* Errors that others find later are worded in the same way. */
static void later_errors(void **state)
{
    struct source source = {.name = "/etc/in\ncluded", .text = SLICE_LIT("one\ntwo three")};
    struct conf_error error;

    (void)state;
    conf_error_set(&error, "main", (struct place){2, 5, &source}, "cannot %s: %s", "listen",
                   "a\tb");
    assert_string_equal(error.text, "/etc/in?cluded:2:5: cannot listen: a?b");
    assert_string_equal(error.excerpt, "    two three\n        ^\n");
    conf_error_set(&error, "main", (struct place){0}, "no user %d", 7);
    assert_string_equal(error.text, "main: no user 7");
    assert_string_equal(error.excerpt, "");
}

/* However long and odd the file's name is, the place and the cause are still told, in one line. */
static void odd_file_names(void **state)
{
    struct conf *c = NULL;
    struct conf_error error;
    char name[4096];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 2] = '\n';
    name[sizeof(name) - 1] = '\0';
    assert_int_not_equal(conf_parse(SLICE_LIT("\nx"), name, &c, &error), 0);
    const char *place =
        strstr(error.text, "n?:2:1: unknown statement \"x\", expected authentication_results");
    assert_non_null(place);
    assert_true(place - error.text < 250);
    assert_null(strchr(error.text, '\n'));
}

static void files_on_disk(void **state)
{
    char name[] = "/tmp/gatepost-test-conf-XXXXXX";
    struct conf *c = NULL;
    struct conf_error error;

    (void)state;
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, MINIMAL, sizeof(MINIMAL) - 1), sizeof(MINIMAL) - 1);
    assert_int_equal(conf_load(name, &c, &error), 0);
    assert_string_equal(c->hostname, "mx.example.org");
    c = conf_free(c);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_not_equal(conf_load(name, &c, &error), 0);
    assert_int_equal(strncmp(error.text, name, sizeof(name) - 1), 0);
    assert_int_equal(strncmp(error.text + sizeof(name) - 1, ":4:1: unknown", 13), 0);
    (void)close(fd);
    (void)unlink(name);

    assert_int_not_equal(conf_load("/nowhere/x.conf", &c, &error), 0);
    assert_string_equal(
        error.text,
        "/nowhere/x.conf:1:1: expected a readable file, found: No such file or directory");
    assert_int_not_equal(conf_load("/", &c, &error), 0);
    assert_string_equal(error.text, "/:1:1: expected a readable file, found: Is a directory");
    assert_int_not_equal(conf_load("/dev/zero", &c, &error), 0);
    assert_string_equal(error.text,
                        "/dev/zero:1:1: expected a readable file, found: more than 16 MiB");
    assert_null(c);
    assert_null(conf_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files),   cmocka_unit_test(excerpts),
        cmocka_unit_test(later_errors),  cmocka_unit_test(odd_file_names),
        cmocka_unit_test(files_on_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
