/* What facts of the DNS have in common. For the files of src/fact alone. */
#pragma once

#include "auth/clock.h"
#include "client/resolver.h"
#include "fact/fact.h"

/* The time that the look-ups of one fact have, from now on. */
struct auth_clock fact_clock(const struct evidence *e);

/* A value of which the DNS could not tell; `state` is not an answer. */
struct value fact_dns_unknown(enum value_type type, enum dns_state state);

/* A bool, of which `state` says whether it is sure. */
struct value fact_dns_bool(enum dns_state state, bool b);
