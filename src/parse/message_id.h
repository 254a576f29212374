/* What a Message-ID field looks like (RFC 5322 3.6.4). */
#pragma once

#include "base/slice.h"
#include "parse/inspection.h"

/* Of one field's body, with its folds and comments. */
enum message_id_form message_id_form_of(struct slice body);
