/* See record_form.h. */
#include "store/record_form.h"

#include <errno.h>
#include <stdio.h>

#include "conf/network.h"
#include "parse/ascii.h"
#include "parse/sender_form.h"
#include "parse/smtp_address.h"
#include "store/memory.h"

enum record_kind record_kind_named(struct slice text)
{
    for (enum record_kind k = 1; k < RECORD_KINDS; k++) {
        if (slice_eq(text, slice_of(record_kind_name(k)))) {
            return k;
        }
    }
    return 0;
}

void record_kinds_list(char *ret, size_t size)
{
    size_t n = 0;

    ret[0] = '\0';
    for (enum record_kind k = 1; k < RECORD_KINDS && n < size; k++) {
        n += (size_t)snprintf(ret + n, size - n, "%s%s", k > 1 ? ", " : "", record_kind_name(k));
    }
}

/* ---- keys ---- */

static const char *key_of(const char *name, char ret[static 32])
{
    size_t n = 0;

    for (; n < 31 && name[n] != '\0'; n++) {
        ret[n] = name[n] == ' ' ? '_' : name[n];
    }
    ret[n] = '\0';
    return ret;
}

const char *record_tally_key(enum record_tally tally, char ret[static 32])
{
    return key_of(record_tally_name(tally), ret);
}

const char *record_rate_key(enum record_rate rate, char ret[static 32])
{
    return key_of(record_rate_name(rate), ret);
}

int record_tally_keyed(struct slice key)
{
    char name[32];

    for (int i = 0; i < TALLY_COUNT; i++) {
        if (slice_eq(key, slice_of(record_tally_key((enum record_tally)i, name)))) {
            return i;
        }
    }
    return -1;
}

int record_rate_keyed(struct slice key)
{
    char name[32];

    for (int i = 0; i < RATE_COUNT; i++) {
        if (slice_eq(key, slice_of(record_rate_key((enum record_rate)i, name)))) {
            return i;
        }
    }
    return -1;
}

/* ---- names ---- */

/* Puts `text` into `ret`. */
static struct slice put(struct slice text, char ret[static RECORD_NAME_MAX])
{
    memcpy(ret, text.p, text.n);
    return (struct slice){ret, text.n};
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c < ' ' || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* An address, or the network that stands for it. */
static int address_form(enum record_kind kind, struct slice text, char ret[static RECORD_NAME_MAX],
                        struct slice *ret_name)
{
    char name[MEMORY_ADDRESS_MAX];
    struct conf_network n;

    if (network_parse(text, &n) < 0) {
        return -EINVAL;
    }
    const bool one = network_is_address(&n);
    if (!one && !network_is_usual(&n)) {
        return -EINVAL;
    }
    if (kind == RECORD_CLIENT && n.addr.family == ADDR_V4 && !one) {
        return -EINVAL;
    }
    const bool network = kind == RECORD_NETWORK || (kind == RECORD_BAN && !one);
    *ret_name =
        put(network ? memory_network_name(&n.addr, name) : memory_client_name(&n.addr, name), ret);
    return 0;
}

static struct slice lowered(struct slice text, char ret[static RECORD_NAME_MAX])
{
    const struct slice name = put(text, ret);

    ascii_lower_copy(ret, ret, name.n);
    return name;
}

static bool is_mailbox(struct slice text)
{
    char path[RECORD_NAME_MAX + 2];
    struct smtp_path parsed;
    struct slice rest;

    if (text.n > RECORD_NAME_MAX) {
        return false;
    }
    path[0] = '<';
    memcpy(path + 1, text.p, text.n);
    path[text.n + 1] = '>';
    return smtp_path_parse((struct slice){path, text.n + 2}, SMTP_REVERSE_PATH, true, &parsed,
                           &rest) == SMTP_PATH_OK &&
           rest.n == 0 && !parsed.null &&
           slice_eq(parsed.mailbox, (struct slice){path + 1, text.n});
}

static int correspondent_form(struct slice text, char ret[static RECORD_NAME_MAX],
                              struct slice *ret_name)
{
    char form[SENDER_FORM_MAX];

    if (!is_mailbox(text)) {
        return -EINVAL;
    }
    *ret_name = put(sender_form(text, form), ret);
    return 0;
}

/* No blank, and something between its dots. */
static int domain_form(struct slice text, char ret[static RECORD_NAME_MAX], struct slice *ret_name)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == '@' || text.p[i] == '/') {
            return -EINVAL;
        }
    }
    if (text.p[0] == '.' || text.p[text.n - 1] == '.') {
        return -EINVAL;
    }
    *ret_name = lowered(text, ret);
    return 0;
}

static int form_of(enum record_kind kind, struct slice text, char ret[static RECORD_NAME_MAX],
                   struct slice *ret_name)
{
    switch (kind) {
    case RECORD_CLIENT:
    case RECORD_NETWORK:
    case RECORD_BAN: return address_form(kind, text, ret, ret_name);
    case RECORD_HOST:
    case RECORD_SPF:
    case RECORD_DKIM: return domain_form(text, ret, ret_name);
    case RECORD_CORRESPONDENT: return correspondent_form(text, ret, ret_name);
    case RECORD_RECIPIENT:
        *ret_name = lowered(text, ret);
        return is_mailbox(text) || slice_eq(*ret_name, SLICE_LIT("postmaster")) ? 0 : -EINVAL;
    case RECORD_DEFERRAL: *ret_name = put(text, ret); return 0;
    case RECORD_KINDS: break;
    }
    return -EINVAL;
}

static const char *wanted(enum record_kind kind)
{
    switch (kind) {
    case RECORD_CLIENT: return "an address, or of IPv6 its /64";
    case RECORD_NETWORK: return "a network: the /24 of an IPv4, the /64 of an IPv6 address";
    case RECORD_BAN: return "an address, or the /24 of an IPv4 or the /64 of an IPv6 address";
    case RECORD_HOST:
    case RECORD_SPF:
    case RECORD_DKIM: return "a domain";
    case RECORD_CORRESPONDENT:
    case RECORD_RECIPIENT: return "a mailbox";
    default: return "a name";
    }
}

int record_name_form(enum record_kind kind, struct slice text, char ret[static RECORD_NAME_MAX],
                     struct slice *ret_name, char why[static RECORD_FORM_WHY])
{
    if (text.n == 0 || text.n > RECORD_NAME_MAX) {
        (void)snprintf(why, RECORD_FORM_WHY, "the name has %s octets, %d at most",
                       text.n == 0 ? "no" : "too many", RECORD_NAME_MAX);
        return -EINVAL;
    }
    if ((kind != RECORD_DEFERRAL && !is_plain(text)) || form_of(kind, text, ret, ret_name) < 0) {
        (void)snprintf(why, RECORD_FORM_WHY, "the name of kind %s is %s", record_kind_name(kind),
                       wanted(kind));
        return -EINVAL;
    }
    return 0;
}
