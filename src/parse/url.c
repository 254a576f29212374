/* See parse/url.h. */
#include "parse/url.h"

#include <errno.h>

#include "parse/ascii.h"
#include "parse/organisation.h"
#include "parse/url_host.h"

static struct slice tail(struct slice text, size_t n)
{
    return (struct slice){text.p + n, text.n - n};
}

static void set(struct url *u, enum url_trait trait)
{
    u->traits |= (uint64_t)1 << trait;
}

/* ---- what stands in front ---- */

/* Without controls and blanks at the ends, and without tabs and line ends anywhere. */
static struct slice tidied(struct slice text, struct arena *arena, struct url *u)
{
    while (text.n > 0 && (unsigned char)text.p[0] <= ' ') {
        text = tail(text, 1);
    }
    while (text.n > 0 && (unsigned char)text.p[text.n - 1] <= ' ') {
        text.n--;
    }
    text.n = text.n < URL_MOST ? text.n : URL_MOST;
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    bool other = false;
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c != '\t' && c != '\n' && c != '\r') {
            out[n++] = text.p[i];
            other = other || c < ' ';
        } else {
            other = true;
        }
    }
    if (other) {
        set(u, URL_IS_CONTROLS);
    }
    return (struct slice){out, n};
}

/* "letters:"; 0 when there is no scheme. */
static size_t scheme_length(struct slice text)
{
    size_t n = 0;

    while (n < text.n && (ascii_is_let_dig(text.p[n]) ||
                          (n > 0 && (text.p[n] == '+' || text.p[n] == '-' || text.p[n] == '.')))) {
        n++;
    }
    return n > 0 && n < text.n && text.p[n] == ':' && !ascii_is_digit(text.p[0]) ? n : 0;
}

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

/* The slashes before the host. Browsers take any number of them, and backslashes too. */
static struct slice skip_slashes(struct slice text, struct url *u)
{
    size_t n = 0;

    while (n < text.n && is_slash(text.p[n])) {
        n++;
    }
    if (n != 2 || memcmp(text.p, "//", 2) != 0) {
        set(u, URL_IS_BACKSLASHES);
    }
    return tail(text, n);
}

/* Takes what stands before the host. 1: a host follows, and *ret_port is the scheme's; 0: none
 * follows, and all is said; or -EINVAL. */
static int take_scheme(struct slice *text, bool bare, struct url *u, unsigned *ret_port)
{
    static const struct {
        const char *name;
        unsigned port;
    } web[] = {{"http", 80}, {"https", 443}, {"ftp", 21}};
    const size_t n = scheme_length(*text);
    const struct slice scheme = {text->p, n};

    *ret_port = 80;
    for (size_t i = 0; n > 0 && i < sizeof(web) / sizeof(web[0]); i++) {
        if (slice_eq_nocase(scheme, slice_of(web[i].name))) {
            *ret_port = web[i].port;
            *text = skip_slashes(tail(*text, n + 1), u);
            return 1;
        }
    }
    if (slice_eq_nocase(scheme, SLICE_LIT("data"))) {
        set(u, URL_IS_DATA);
        return 0;
    }
    if (slice_eq_nocase(scheme, SLICE_LIT("javascript")) ||
        slice_eq_nocase(scheme, SLICE_LIT("vbscript"))) {
        set(u, URL_IS_JAVASCRIPT);
        return 0;
    }
    if (text->n > 2 && is_slash(text->p[0]) && is_slash(text->p[1])) {
        *text = skip_slashes(*text, u);
        return 1;
    }
    /* In plain text a port may stand behind a host: "www.example.org:8080". */
    return bare && (n == 0 || memchr(text->p, '.', n) != NULL) ? 1 : -EINVAL;
}

/* ---- authority ---- */

/* Takes "userinfo@host:port" off the front: what is up to the first slash or mark. */
static struct slice take_authority(struct slice *text, struct url *u)
{
    size_t n = 0;

    while (n < text->n && !is_slash(text->p[n]) && text->p[n] != '?' && text->p[n] != '#') {
        n++;
    }
    struct slice authority = {text->p, n};
    *text = tail(*text, n);
    const char *sign = n > 0 ? memrchr(authority.p, '@', n) : NULL;
    if (sign != NULL) {
        set(u, URL_IS_USERINFO);
        authority = tail(authority, (size_t)(sign - authority.p) + 1);
    }
    return authority;
}

/* Takes ":port" off the end. */
static void take_port(struct slice *authority, unsigned standard, struct url *u)
{
    size_t n = authority->n;
    unsigned port = 0;

    while (n > 0 && ascii_is_digit(authority->p[n - 1])) {
        n--;
    }
    if (n == 0 || authority->p[n - 1] != ':') {
        return;
    }
    for (size_t i = n; i < authority->n && port <= 65535; i++) {
        port = port * 10 + (unsigned)(authority->p[i] - '0');
    }
    if (n < authority->n && port != standard) {
        set(u, URL_IS_PORT);
    }
    authority->n = n - 1;
}

static int take_host(struct slice authority, struct arena *arena, struct url *u)
{
    struct url_host host;
    const int r = url_host_parse(authority, arena, &host);

    if (r < 0) {
        return r;
    }
    u->host = host.name;
    u->organisation = host.address ? host.name : organisation_of(host.name);
    if (host.address) {
        set(u, URL_IS_ADDRESS);
    }
    if (host.numeric) {
        set(u, URL_IS_NUMERIC_ADDRESS);
    }
    if (host.escaped) {
        set(u, URL_IS_ENCODED_HOST);
    }
    return 0;
}

/* ---- what is remarkable ---- */

/* Three letters that end the names of hosts everywhere, and nothing else. */
static bool is_common_end(struct slice label)
{
    return slice_eq_nocase(label, SLICE_LIT("com")) || slice_eq_nocase(label, SLICE_LIT("net")) ||
           slice_eq_nocase(label, SLICE_LIT("org")) || slice_eq_nocase(label, SLICE_LIT("gov"));
}

/* Takes what stands before the next `c`, and that. */
static struct slice take_item(struct slice *rest, char c)
{
    const char *end = memchr(rest->p, c, rest->n);
    const struct slice item = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};

    *rest = tail(*rest, item.n + (end != NULL));
    return item;
}

static void look_at_host(struct url *u)
{
    /* what stands before the organisation's domain */
    struct slice front = {u->host.p, u->host.n - u->organisation.n};
    struct slice domain = u->organisation;
    size_t labels = 0, digits = 0;

    if (u->host.n > 50) {
        set(u, URL_IS_LONG_HOST);
    }
    while (front.n > 0) {
        const struct slice label = take_item(&front, '.');
        if (is_common_end(label) && labels > 0) {
            set(u, URL_IS_DOMAIN_IN_HOST);
        }
        labels++;
    }
    if (labels >= 4) {
        set(u, URL_IS_DEEP_SUBDOMAIN);
    }
    const struct slice own = take_item(&domain, '.');
    for (size_t i = 0; i < own.n; i++) {
        digits += ascii_is_digit(own.p[i]);
    }
    if (digits >= 3) {
        set(u, URL_IS_DIGITS_IN_DOMAIN);
    }
    const struct slice whole = u->host;
    if ((whole.n > 4 && memcmp(whole.p, "xn--", 4) == 0) ||
        memmem(whole.p, whole.n, ".xn--", 5) != NULL) {
        set(u, URL_IS_PUNYCODE);
    }
}

/* Is the name of a folder that of a host? */
static bool is_host_like(struct slice folder)
{
    const char *dot = folder.n > 0 ? memrchr(folder.p, '.', folder.n) : NULL;

    if (dot == NULL || dot == folder.p) {
        return false;
    }
    return (folder.n > 6 && strncasecmp(folder.p, "www.", 4) == 0) ||
           is_common_end(tail(folder, (size_t)(dot - folder.p) + 1));
}

static void look_at_folders(struct slice path, struct url *u)
{
    while (path.n > 0) {
        const size_t before = path.n;
        const struct slice folder = take_item(&path, '/');
        if (before > folder.n && is_host_like(folder)) { /* a slash follows */
            set(u, URL_IS_DOMAIN_IN_PATH);
        }
    }
}

static void look_at_file(struct slice path, struct url *u)
{
    static const char *const ends[] = {".exe", ".scr", ".pif", ".com", ".bat", ".cmd", ".vbs",
                                       ".jar", ".msi", ".hta", ".zip", ".rar", ".iso", ".7z"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const size_t n = strlen(ends[i]);
        if (path.n > n + 1 && strncasecmp(path.p + path.n - n, ends[i], n) == 0) {
            set(u, URL_IS_EXECUTABLE);
        }
    }
}

/* A "://", plain or with its octets escaped, behind the first folder. */
static bool has_url(struct slice text)
{
    static const struct slice forms[] = {SLICE_LIT("://"), SLICE_LIT("%3a//"), SLICE_LIT("%3A//"),
                                         SLICE_LIT("%3a%2f"), SLICE_LIT("%3A%2F")};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (memmem(text.p, text.n, forms[i].p, forms[i].n) != NULL) {
            return true;
        }
    }
    return false;
}

static bool has_mail_address(struct slice text)
{
    for (size_t i = 1; i + 3 < text.n; i++) {
        const size_t n = text.p[i] == '@' ? 1 : memcmp(text.p + i, "%40", 3) == 0 ? 3 : 0;
        if (n > 0 && ascii_is_let_dig(text.p[i - 1]) && i + n < text.n &&
            ascii_is_let_dig(text.p[i + n])) {
            return true;
        }
    }
    return false;
}

/* Up to the query or the fragment. */
static size_t path_length(struct slice text)
{
    size_t n = 0;

    while (n < text.n && text.p[n] != '?' && text.p[n] != '#') {
        n++;
    }
    return n;
}

static void look_at_path(struct url *u)
{
    struct slice path = u->path;

    path.n = path_length(path);
    if (path.n <= 1) {
        if (u->path.n <= 1) {
            set(u, URL_IS_NO_PATH);
        }
    } else {
        look_at_folders(tail(path, 1), u);
        look_at_file(path, u);
        if (path.p[1] == '~') {
            set(u, URL_IS_HOME);
        }
    }
    if (has_url(u->path)) {
        set(u, URL_IS_REDIRECT);
    }
    if (has_mail_address(u->path)) {
        set(u, URL_IS_MAIL_ADDRESS);
    }
}

int url_parse(struct slice text, bool bare, struct arena *arena, struct url *ret)
{
    struct url u = {.host = SLICE_LIT(""), .organisation = SLICE_LIT(""), .path = SLICE_LIT("")};
    unsigned port;

    text = tidied(text, arena, &u);
    int r = take_scheme(&text, bare, &u, &port);
    if (r > 0) {
        struct slice authority = take_authority(&text, &u);
        take_port(&authority, port, &u);
        r = take_host(authority, arena, &u);
        u.path = text;
        if (r == 0) {
            if ((u.traits >> URL_IS_ADDRESS & 1) == 0) {
                look_at_host(&u);
            }
            look_at_path(&u);
        }
    }
    if (r == 0) {
        *ret = u;
    }
    return r;
}
