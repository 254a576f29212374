/* See parse/message_id.h. More lenient than the grammar: whatever is no blank, angle bracket or
 * control character may stand on either side of the "@". */
#include "parse/message_id.h"

#include "base/addr.h"
#include "parse/field_cursor.h"

static bool is_address(struct slice text)
{
    struct addr a;

    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
        text = (struct slice){text.p + 1, text.n - 2};
        if (text.n > 5 && strncasecmp(text.p, "IPv6:", 5) == 0) {
            text = (struct slice){text.p + 5, text.n - 5};
        }
    }
    return addr_parse(text, &a) == 0;
}

enum message_id_form message_id_form_of(struct slice body)
{
    struct field_cursor c = field_cursor_of(body);

    if (!field_skip_cfws(&c)) {
        return MESSAGE_ID_MALFORMED;
    }
    if (field_peek(&c) == -1) {
        return MESSAGE_ID_NONE;
    }
    if (!field_skip(&c, '<')) {
        return MESSAGE_ID_MALFORMED;
    }
    const char *start = c.at;
    while (field_peek(&c) > ' ' && field_peek(&c) != '<' && field_peek(&c) != '>') {
        c.at++;
    }
    const struct slice id = field_since(&c, start);
    if (!field_skip(&c, '>') || !field_skip_cfws(&c) || field_peek(&c) != -1 || id.n == 0) {
        return MESSAGE_ID_MALFORMED;
    }
    const char *sign = memrchr(id.p, '@', id.n);
    if (sign == NULL) {
        return MESSAGE_ID_BARE;
    }
    const struct slice right = {sign + 1, (size_t)(id.p + id.n - sign - 1)};
    if (sign == id.p || right.n == 0) {
        return MESSAGE_ID_MALFORMED;
    }
    if (is_address(right)) {
        return MESSAGE_ID_ADDRESS;
    }
    return memchr(right.p, '.', right.n) != NULL ? MESSAGE_ID_NORMAL : MESSAGE_ID_BARE;
}
