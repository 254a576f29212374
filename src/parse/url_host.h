/* The host in a URL (https://url.spec.whatwg.org/#host-parsing). */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct url_host {
    struct slice name; /* see struct url in parse/url.h; in the arena */
    bool address;      /* it is an IP address */
    bool numeric;      /* not written as four decimal numbers */
    bool escaped;      /* written with % escapes */
};

/* 0; or -EINVAL: no browser would go there. A name without a dot is none, either. */
int url_host_parse(struct slice text, struct arena *arena, struct url_host *ret);
