#include "route/hop_fit.h"

#include "message/outgoing.h"

bool hop_fits_envelope(const struct hop_capabilities *can, const struct envelope *e, uint64_t size,
                       struct answer *ret_answer)
{
    if (e->smtputf8 && !can->smtputf8) {
        *ret_answer = reply_answer(REPLY_HOP_NO_UTF8);
        return false;
    }
    if (e->body_8bitmime && !can->eightbitmime) {
        *ret_answer = reply_answer(REPLY_HOP_NO_8BIT);
        return false;
    }
    if (can->size_limit > 0 && size > can->size_limit) {
        *ret_answer = reply_answer(REPLY_HOP_SIZE);
        return false;
    }
    return true;
}

bool hop_fits_recipient(const struct hop_capabilities *can, const struct hop_recipient *r,
                        struct answer *ret_answer)
{
    if (r->dsn.promises && !can->dsn) {
        *ret_answer = reply_answer(REPLY_HOP_NO_DSN);
        return false;
    }
    return true;
}

uint64_t hop_message_size(const struct message *m)
{
    return m->trace.n + message_size(m);
}

bool hop_fits_message(const struct hop_capabilities *can, const struct message *m,
                      struct answer *ret_answer)
{
    if (m->bare_cr_or_lf && !can->chunking) {
        *ret_answer = reply_answer(REPLY_HOP_BARE);
        return false;
    }
    if (can->size_limit > 0 && hop_message_size(m) > can->size_limit) {
        *ret_answer = reply_answer(REPLY_HOP_SIZE);
        return false;
    }
    return true;
}
