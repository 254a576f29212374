/* gatepost(8): finds the subcommand. */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "cmd/cmd.h"

static const struct command commands[] = {
    {"run", "[-c FILE]",
     "Serves in the foreground until SIGTERM or SIGINT. Without -c the configuration "
     "is\n" CONF_FILE_STANDARD ".",
     CMD_FILE, 0, cmd_run},
    {"check", "[-c FILE] [--explain]",
     "Says whether `gatepost run` could begin with this configuration: reads it, compiles its\n"
     "policy, loads certificate and key, looks at user and folders. Binds nothing and creates\n"
     "nothing. Without -c the configuration is " CONF_FILE_STANDARD ".\n\n"
     "Errors and warnings go to standard error, each with its place and what to do. Warnings do\n"
     "not keep it from beginning: the exit status is 0 with them, 2 with an error.\n\n"
     "--explain  also print the policy as a table: phase, rule, facts needed, cost",
     CMD_FILE | CMD_EXPLAIN, 0, cmd_check},
    {"status", "[-c FILE] [--json]",
     "Tells what a running Gatepost does just now and what it has counted. Asks over the control\n"
     "socket that the configuration names; without -c that is " CONF_FILE_STANDARD ".\n"
     "The exit status is 1 when nobody answers.\n\n"
     "--json     as JSON; sizes in octets, times in microseconds",
     CMD_FILE | CMD_JSON, 0, cmd_status},
    {"reload", "[-c FILE]",
     "Has a running Gatepost go over to its changed configuration, and says what is wrong with it\n"
     "when it is not fit; then nothing has changed. Asks over the control socket that the\n"
     "configuration names; without -c that is " CONF_FILE_STANDARD ".",
     CMD_FILE, 0, cmd_reload},
    {"upgrade", "[-c FILE]",
     "Has the program that is now at the path which a running Gatepost was started by take its\n"
     "place, without an end and a beginning, and says why when it does not. Asks over the control\n"
     "socket that the configuration names; without -c that is " CONF_FILE_STANDARD ".",
     CMD_FILE, 0, cmd_upgrade},
    {"log",
     "[-c FILE | --journal FILE] [--json] [--follow] [--limit N]\n"
     "                    [--since TIME] [--until TIME] [--sender ADDRESS] [--recipient ADDRESS]\n"
     "                    [--client NETWORK] [--verdict WORD] [--phase PHASE] [--rule PLACE]\n"
     "                    [--reply TEXT] [--hop TEXT]",
     "Finds decisions in the journal and prints a line for each, the newest last. All that is "
     "asked\n"
     "for must fit. The exit status is 0 when something was found, 1 when nothing was.\n\n"
     "--journal    another journal than the configuration's\n"
     "--sender     the whole address; @DOMAIN all of a domain; <> the null sender\n"
     "--recipient  the same, of one of the recipients\n"
     "--client     an address or a network: 192.0.2.0/24\n"
     "--verdict    accepted, refused, deferred, gone or ended, of the whole or of a recipient\n"
     "--phase      connect, helo, mail, rcpt, data, message or commit: where it ended\n"
     "--rule       gatepost.conf:23: rules that decided, fired or were observed\n"
     "--reply      part of a reply: \"550 5.7.1\", \"too many\"\n"
     "--hop        part of a next hop's name, of its failures or of its own words\n"
     "--since      2h, 7d, 2026-11-22, 2026-11-22T04:49:30Z: then or later\n"
     "--until      the same: before\n"
     "--limit      the newest N of what was found\n"
     "--follow     go on with what is decided from now on, until interrupted\n"
     "--json       a line of JSON for each, in the form of a decision line",
     CMD_FILE | CMD_JSON, 0, cmd_log},
    {"explain", "[-c FILE | --journal FILE] [--json] ID | TEXT | -",
     "Tells in plain language how a decision came about: what was known, which rules fired, what "
     "the\n"
     "client was told, and what would have had to differ. ID is the one in a refusal's text or in "
     "a\n"
     "Received header, with or without the recipient's number behind it. TEXT, or with - standard\n"
     "input, is whatever has one in it, such as a whole bounce. The exit status is 1 when the\n"
     "journal does not know it.\n\n"
     "--journal  another journal than the configuration's\n"
     "--json     the same as data",
     CMD_FILE | CMD_JSON, 10000, cmd_explain},
    {"replay", "--policy NEW [-c FILE] [--since TIME] [--until TIME] [--journal DB] [--json]",
     "Judges the mail that is on record by another policy, and tells which would have ended\n"
     "otherwise. NEW holds a whole configuration, or just `policy { ... }` with its tables and "
     "sets.\n"
     "The journal is the one that the configuration names; without -c that is\n" CONF_FILE_STANDARD
     ".\n"
     "The exit status is 0 when nothing would be otherwise, 1 when something would, 2 when it\n"
     "could not be found out.\n\n"
     "--since    only what was decided since then: 7d ago, or 2026-11-22, or 2026-11-22T04:49:30Z\n"
     "--until    only what was decided before\n"
     "--journal  another journal\n"
     "--json     a line of JSON for each that would be otherwise, and one with the numbers",
     CMD_FILE | CMD_JSON, 0, cmd_replay},
    {"rules", "[-c FILE] [--since TIME] [--until TIME] [--journal DB] [--json]",
     "Tells what each rule has done by the journal: how often it fired, gave the reply, would "
     "have\n"
     "fired if it were not only observed, was the only one that kept the client out, hit those\n"
     "whose mail is otherwise accepted, and how long the facts it names took; and how much of "
     "what\n"
     "it deferred came back. The journal is the one that the configuration names; without -c "
     "that\n"
     "is " CONF_FILE_STANDARD ".\n\n"
     "--since    only what was decided since then: 7d ago, or 2026-11-22, or 2026-11-22T04:49:30Z\n"
     "--until    only what was decided before\n"
     "--journal  another journal; without -c it is not known which rules decided alone\n"
     "--json     a line of JSON for each rule",
     CMD_FILE | CMD_JSON, 0, cmd_rules},
    {"judge",
     "[-c FILE] --ip ADDRESS --helo NAME --from SENDER --rcpt RECIPIENT… [OPTION…] MESSAGE\n"
     "       gatepost judge [-c FILE] [OPTION…] --batch FILE",
     "Says what this configuration would decide of a message that came in now: runs a whole "
     "session\n"
     "over it in a pretended world, connects to nobody and writes nothing. MESSAGE is a file, or "
     "-\n"
     "for standard input. The next hop is taken to accept everything. The exit status is 0 when "
     "there\n"
     "is a decision, whichever, and 1 when something could not be judged. Without -c the\n"
     "configuration is " CONF_FILE_STANDARD ".\n\n"
     "--ip ADDRESS      the client's; behind a proxy, of the client that it names\n"
     "--helo NAME       what it says in EHLO\n"
     "--from SENDER     '' or '<>' for the null reverse-path\n"
     "--rcpt RECIPIENT  may be given several times\n"
     "--at TIME         as if it were then: 2026-11-26T09:30:00Z\n"
     "--listener PLACE  where it connects to, as `listen` has it; without, the first that fits\n"
     "--local ADDRESS   the same, of a listener for all addresses\n"
     "--tls             over TLS\n"
     "--early           it speaks before it is greeted\n"
     "--no-esmtp        it says HELO\n"
     "--dns FILE        what the DNS says: a zone file; without, there is no DNS\n"
     "--batch FILE      judges many, on all processors: a line each of JSON with file, ip, helo,\n"
     "                  mail_from, rcpt, and perhaps label and at; then totals. What a line\n"
     "                  leaves out the options above say\n"
     "--json            decision lines as gatepost(8) describes them",
     CMD_FILE | CMD_JSON, 1, cmd_judge},
    {"state",
     "[-c FILE] list [KIND] [--sort KEY] [--limit N] [--json]\n"
     "       gatepost state [-c FILE] show NAME [--json]\n"
     "       gatepost state [-c FILE] set KIND NAME FIELD=VALUE... [--new]\n"
     "       gatepost state [-c FILE] forget KIND NAME | [KIND] --before TIME [--json]\n"
     "       gatepost state [-c FILE] export [KIND]\n"
     "       gatepost state [-c FILE] import [FILE | -] [--merge] | --correspondents FILE",
     "Looks at, and changes by hand, what is remembered of others; also while Gatepost runs. KIND\n"
     "is client, network, host, spf, dkim, recipient, deferral, correspondent or ban. The exit\n"
     "status is 1 when there is nothing of that name, or a line to be imported was wrong. Without\n"
     "-c the configuration is " CONF_FILE_STANDARD ".\n\n"
     "list    the records that were seen last, or --sort first, name, good, bad or worth; at most\n"
     "        --limit 100, all in no order with --limit 0\n"
     "show    all that is known under a name; of an address its network, bans and organisation "
     "too\n"
     "set     first, last, returned, days, note, or a count; --new makes a record that is not "
     "there\n"
     "forget  one, or all that were not seen since --before; bans only where KIND is ban\n"
     "export  lines of JSON, which import reads\n"
     "import  of two records of a name the one seen later stays; with --merge they are added up\n"
     "--correspondents  mailboxes that your users write to, one a line",
     CMD_FILE | CMD_JSON, 100, cmd_state},
    {"ban", "[-c FILE] ADDRESS | NETWORK DURATION [REASON]",
     "Bans a client's address (of IPv6 its /64), or a whole /24 or /64 network, for as long: 30m, "
     "12h,\n"
     "7d. All workers obey at once, and after a restart too. Refused, with exit status 1, for "
     "hosts\n"
     "of the policy's table `trusted` and for proxies.",
     CMD_FILE, 3, cmd_ban},
    {"unban", "[-c FILE] ADDRESS | NETWORK | all",
     "Ends a ban, or all. The exit status is 1 when there is none.", CMD_FILE, 1, cmd_unban},
    {"bans", "[-c FILE] [--json]",
     "Lists who is banned, until when, and why. The exit status is 1 when nobody is.\n\n"
     "--json  a line of JSON for each, as `gatepost state export ban` has it",
     CMD_FILE | CMD_JSON, 0, cmd_bans},
    {"docs",
     "[--json | --man] [facts | members | actions | limits | replies | counters | standard]",
     "Prints the reference of what a policy may ask (facts; members: the names of what is\n"
     "remarkable about a message) and do (actions), of limits, of Gatepost's own replies and of\n"
     "what it counts, as Markdown: one of them, or all. `standard` is the text of the standard\n"
     "policy, to be read or copied.\n\n"
     "--json     as JSON; sizes in octets, times in microseconds\n"
     "--man      as sections of a manual page in mdoc",
     CMD_JSON | CMD_MAN, 1, cmd_docs},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(out, "%s gatepost %s %s\n", i == 0 ? "usage:" : "      ", commands[i].name,
                      commands[i].synopsis);
    }
    (void)fprintf(out, "       gatepost --help | --version\n"
                       "`gatepost COMMAND --help` tells more; so does gatepost(8).\n");
}

/* What whoever started us may have left otherwise. */
static void settle_process(void)
{
    /* A descriptor opened later must not be taken for one of the standard ones. */
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR);
    }
    if (fd < 0) {
        fatal("cannot open /dev/null");
    }
    close(fd);
    json_object_seed(0); /* from a file that confined processes cannot open */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)umask(022);
}

int main(int argc, char **argv)
{
    settle_process();
    if (argc < 2) {
        print_usage(stderr);
        return CMD_WRONG;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return (int)cmd_printed();
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("gatepost %s\n", GATEPOST_VERSION);
        return (int)cmd_printed();
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return (int)commands[i].run(&commands[i], argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "gatepost: no command %s; try gatepost --help\n", argv[1]);
    return CMD_WRONG;
}
