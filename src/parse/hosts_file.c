#include "parse/hosts_file.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

bool hosts_next_word(struct slice *rest, struct slice *ret)
{
    size_t from = 0;
    while (from < rest->n && is_space(rest->p[from])) {
        from++;
    }
    size_t to = from;
    while (to < rest->n && !is_space(rest->p[to])) {
        to++;
    }
    if (to == from) {
        return false;
    }
    *ret = (struct slice){rest->p + from, to - from};
    *rest = (struct slice){rest->p + to, rest->n - to};
    return true;
}

/* A line without its end, up to the octet that begins a comment: false at the end of the text. */
static bool next_line(struct slice *rest, const char *comment, struct slice *ret)
{
    if (rest->n == 0) {
        return false;
    }
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    *ret = (struct slice){rest->p, n};
    for (size_t i = 0; i < ret->n; i++) {
        if (ret->p[i] == '\0' || strchr(comment, ret->p[i]) != NULL) {
            ret->n = i;
        }
    }
    n += end != NULL;
    *rest = (struct slice){rest->p + n, rest->n - n};
    return true;
}

bool hosts_next_line(struct slice *rest, struct hosts_line *ret)
{
    struct slice line;
    while (next_line(rest, "#", &line)) {
        struct hosts_line h = {0};
        struct slice name;
        if (!hosts_next_word(&line, &h.word)) {
            continue;
        }
        h.names = line;
        if (hosts_next_word(&line, &name)) {
            (void)addr_parse(h.word, &h.address);
            *ret = h;
            return true;
        }
    }
    return false;
}

bool resolv_conf_next_server(struct slice *rest, struct slice *ret)
{
    static const struct slice keyword = SLICE_LIT("nameserver");
    struct slice line, word;
    while (next_line(rest, "#;", &line)) {
        if (hosts_next_word(&line, &word) && slice_eq(word, keyword) &&
            hosts_next_word(&line, ret)) {
            return true;
        }
    }
    return false;
}
