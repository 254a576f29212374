/* The texts of rules: replies, reasons, header fields. Internal to src/policy. */
#pragma once

#include "policy/compiler.h"

/* Octets of a text as written; of a field with its name. */
#define TEXT_WRITTEN_MOST  ((size_t)400)
#define FIELD_WRITTEN_MOST ((size_t)200)

/* What `mark` adds where it names no field. */
#define MARK_STANDARD "X-Spam-Flag: YES"

/* The text of a rule, NULL where its action has none. 0; or -EINVAL after errors. */
int rule_text_compile(struct compiler *c, const struct rule_syntax *s,
                      const struct text_template **ret);
