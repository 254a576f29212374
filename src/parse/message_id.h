/* What a Message-ID field looks like (RFC 5322 3.6.4). */
#pragma once

#include "base/slice.h"

/* The words of the fact message_id.form stand in this order. */
enum message_id_form {
    MESSAGE_ID_NONE,      /* there is no such field, or it is empty */
    MESSAGE_ID_NORMAL,    /* <left@right> */
    MESSAGE_ID_ADDRESS,   /* an IP address behind the "@" */
    MESSAGE_ID_BARE,      /* in "<" and ">", but without "@" */
    MESSAGE_ID_MALFORMED, /* anything else */
    MESSAGE_ID_SEVERAL,   /* several fields */
};

/* Of one field's body, with its folds and comments. */
enum message_id_form message_id_form_of(struct slice body);
